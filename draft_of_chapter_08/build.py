"""chapter.txt -> notebook without outputs."""
import json, re, sys
import nbformat
src=open(sys.argv[1],encoding='utf-8').read(); old=nbformat.read('/work/main/notebooks/08_past_the_paper.ipynb',4)
cells=[]
for part in re.split(r'^%%', src, flags=re.M)[1:]:
    head,_,body=part.partition('\n'); kind,_,meta=head.partition(' ')
    body=body.strip('\n')
    if kind=='md': c=nbformat.v4.new_markdown_cell(body)
    elif kind=='fetch': c=nbformat.v4.new_code_cell(old.cells[1].source)
    else: c=nbformat.v4.new_code_cell(body)
    if kind=='fetch': c.metadata=old.cells[1].metadata
    elif meta.strip(): c.metadata=nbformat.from_dict(json.loads(meta))
    cells.append(c)
nb=nbformat.v4.new_notebook(cells=cells,metadata=old.metadata)
for i,c in enumerate(nb.cells): c.id=f"past-{i:02d}"
nbformat.write(nb,sys.argv[2])
