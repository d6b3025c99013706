"""Text to notebook: python mknb.py source.txt target.ipynb"""
import json, re, sys, shlex
def parse(text):
    cells=[]; cur=None
    for line in text.split("\n"):
        if line.startswith("=== "):
            cur={"head":line[4:],"lines":[]}; cells.append(cur)
        else:
            cur["lines"].append(line)
    return cells
def build(src, dst):
    old=json.load(open(dst))
    cells=[]; n=0
    fetch=[c for c in old["cells"] if c["id"]=="fetch-the-book"][0]
    for c in parse(open(src).read()):
        parts=shlex.split(c["head"]); kind=parts[0]
        opts=dict(p.split("=",1) for p in parts[1:])
        if kind=="fetch":
            fetch=dict(fetch); fetch["outputs"]=[]; fetch["execution_count"]=None
            cells.append(fetch); continue
        text="\n".join(c["lines"]).strip("\n")
        meta={}
        if "tags" in opts: meta["tags"]=opts["tags"].split(",")
        if "alt" in opts:
            meta["mystnb"]={"figure":{"caption":opts["caption"],"name":opts["name"]},"image":{"alt":opts["alt"]}}
        if "save" in opts: meta["siamese_book"]={"save_as":opts["save"]}
        cell={"cell_type":"markdown" if kind=="md" else "code","id":f"cell-{n:02d}","metadata":meta,"source":text.splitlines(keepends=True)}
        n+=1
        if kind!="md": cell.update(execution_count=None,outputs=[])
        cells.append(cell)
    nb={"cells":cells,"metadata":old["metadata"],"nbformat":4,"nbformat_minor":5}
    with open(dst,"w") as f: json.dump(nb,f,indent=1,ensure_ascii=False); f.write("\n")
build(*sys.argv[1:])
