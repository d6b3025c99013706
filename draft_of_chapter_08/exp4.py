import sys; sys.path.insert(0,'/tmp/w19')
from exp import *
from PIL import Image
from siamese_utils.models.size_normalization import SizeNormalization
def normalised(images, side, fill, zoom):
    return keras.Sequential([keras.Input((105,105,1)), SizeNormalization(side,fill,zoom)]).predict(images,batch_size=256,verbose=0)
BASE2=BASE|dict(side=56,pool='max3',steps=1000,fill=0.8,zoom=2.5,raw=False)
def main2(name, **change):
    s=BASE2|change; keras.utils.set_random_seed(s["seed"])
    bg=datasets.load_omniglot("background"); train,val=datasets.split_alphabets(bg,5,np.random.default_rng(1))
    enc=body((s["side"],)*2+(1,), s["filters"], extra=s["extra"], pool=s["pool"])
    prep=(lambda im: datasets.area_resize(im,s["side"])) if s['raw'] else (lambda im: normalised(im,s["side"],s['fill'],s['zoom']))
    images=prep(train.images); vi=prep(val.images)
    np.save(f'/tmp/w19/{name}_vi.npy',vi[:40])
    b=sampling.ClassBatches(images,train.labels,s["letters"],s["images"],100,s["seed"],groups=train.alphabets)
    ds=([Compose(s["seed"],s["compose"],s["images"])] if s["compose"] else [])+[augment.RandomSymmetry(s["seed"]),augment.RandomAffine(s["seed"],s["strength"])]
    if s["thick"]: ds.append(augment.RandomThickness(s["seed"],thin=True))
    t0=time.perf_counter()
    opt=training.adamw(s["rate"],s["steps"],weight_decay=s["wd"],averaging=s["ema"])
    h=fit(enc,b,losses.InBatchSoftmaxLoss(s["T"]),opt,s["steps"],ds,[])
    sec=time.perf_counter()-t0
    E=models.embed(enc,vi); a,per=exact(E,val.labels,val.drawers,val.alphabets); a9,_=exact(models.embed_shifted(enc,vi),val.labels,val.drawers,val.alphabets)
    line=dict(name=name,change=change,seconds=round(sec),loss=round(h["loss"][-1],4),val=round(a,4),val9=round(a9,4),per={k:round(v,3) for k,v in per.items()})
    print(json.dumps(line),flush=True); open("/tmp/w19/exp2.jsonl","a").write(json.dumps(line)+"\n"); enc.save(f"/tmp/w19/{name}.keras")
if __name__=="__main__":
    for a in sys.argv[1:]:
        name,_,js=a.partition('='); main2(name,**json.loads(js or '{}'))
