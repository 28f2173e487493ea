"""The page in a real browser: what a reader with bad eyes, a phone or a screen reader needs, in both languages; on paper.

Skipped where there is no Chromium.
"""

from __future__ import annotations

import html as html_module
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import cohortstats as cs

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

FLAGS = (
    "--headless --hide-scrollbars --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()

# The page stands in a frame of its own, so that width and colour scheme can be chosen; the frame is measured from outside.
HARNESS = """<!doctype html><html style="color-scheme:SCHEME"><meta charset="utf-8"><body style="margin:0">
<iframe style="color-scheme:SCHEME;border:0;width:WIDTHpx;height:900px" srcdoc="PAGE"></iframe><pre id="found"></pre>
<script>
function channel(c){c/=255;return c<=0.04045?c/12.92:Math.pow((c+0.055)/1.055,2.4)}
function luminance(c){return 0.2126*channel(c[0])+0.7152*channel(c[1])+0.0722*channel(c[2])}
function numbers(text){return (text.match(/[\\d.]+/g)||[]).map(Number)}
function background(element,view){for(let e=element;e;e=e.parentElement){const c=numbers(view.getComputedStyle(e).backgroundColor);
 if(c.length===3||c[3]>0)return c}return numbers(view.getComputedStyle(view.document.documentElement).backgroundColor)}
onload=()=>{const view=document.querySelector('iframe').contentWindow,page=view.document;
 page.querySelectorAll('details').forEach(d=>d.open=true);
 const texts=[],walker=page.createTreeWalker(page.body,NodeFilter.SHOW_TEXT);
 while(walker.nextNode()){const node=walker.currentNode,element=node.parentElement;
  if(!node.textContent.trim()||['TITLE','STYLE','title','desc','style'].includes(element.tagName))continue;
  if(!element.getClientRects().length||element.closest('.vh,.skip'))continue;
  const style=view.getComputedStyle(element),ink=numbers(element.namespaceURI.includes('svg')?style.fill:style.color);
  const a=luminance(ink),b=luminance(background(element,view));
  texts.push([(Math.max(a,b)+0.05)/(Math.min(a,b)+0.05),node.textContent.trim().slice(0,40)])}
 texts.sort((x,y)=>x[0]-y[0]);
 const root=page.documentElement,all=(what,inside)=>[...(inside||page).querySelectorAll(what)],ids=all('[id]').map(e=>e.id);
 const levels=all('h1,h2,h3,h4,h5,h6').map(e=>Number(e.tagName[1])),name=e=>e.outerHTML.slice(0,80);
 const named=e=>(e.getAttribute('aria-labelledby')||'').split(' ').every(id=>id&&page.getElementById(id)&&
  page.getElementById(id).textContent.trim()),skip=page.querySelector('.skip'),link=page.querySelector('a[href]:not(.skip)');
 view.focus();link.focus({focusVisible:true});const ring=view.getComputedStyle(link);
 const faults={h1:levels.filter(l=>l===1).length===1?[]:levels,skipped:levels.filter((l,i)=>i&&l>levels[i-1]+1),
  uncaptioned:all('table').filter(t=>!t.caption||!t.caption.textContent.trim()).map(name),
  unscoped:all('th').filter(t=>!['col','row','rowgroup','colgroup'].includes(t.scope)).map(name),
  bodiless:all('table').filter(t=>!t.tBodies.length).map(name),
  nameless:all('svg').filter(g=>g.getAttribute('role')!=='img'||!named(g)).filter(g=>g.getAttribute('aria-hidden')!=='true').map(name),
  dataless:all('figure').filter(f=>f.querySelector('svg')&&!f.closest('section').querySelector('table')).map(name),
  skip:skip&&page.querySelector(skip.getAttribute('href'))?[]:['no skip link'],
  focus:ring.outlineStyle!=='none'&&parseFloat(ring.outlineWidth)>=1?[]:[ring.outline],
  twice:ids.filter((id,i)=>ids.indexOf(id)!==i),
  dead:all('a[href^="#"]').filter(a=>!page.getElementById(decodeURIComponent(a.getAttribute('href').slice(1)))).map(name)};
 document.getElementById('found').textContent=JSON.stringify({lowest:texts.slice(0,5),count:texts.length,
  faults,lang:root.lang,paper:view.getComputedStyle(page.body).backgroundColor,overflow:root.scrollWidth-root.clientWidth,width:root.clientWidth})}
</script></body></html>"""


def browse(tmp_path: Path, *arguments: str) -> str:
    profile = tmp_path / "profile"
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


@pytest.fixture(scope="module", params=["en", "ja"])
def page(
    request: pytest.FixtureRequest, report: cs.Report, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, str]:
    """Language and page."""
    if request.param != "en":
        folder = tmp_path_factory.mktemp("japanese") / "sakai2018"
        report = cs.write_report(cs.shipped_study("sakai2018"), folder, formats=["html"], lang=request.param)
    return request.param, report.files["report.html"].decode()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 960])
def test_accessible(page: tuple[str, str], tmp_path: Path, scheme: str, width: int) -> None:
    lang, text = page
    shown = re.sub(r"<meta http-equiv=\"Content-Security-Policy\"[^>]*>", "", text)
    harness = HARNESS.replace("SCHEME", scheme).replace("WIDTH", str(width)).replace("PAGE", html_module.escape(shown))
    path = tmp_path / "harness.html"
    path.write_text(harness, encoding="utf-8")
    dom = browse(tmp_path, "--window-size=1200,1000", "--virtual-time-budget=5000", "--dump-dom", path.as_uri())
    found = json.loads(html_module.unescape(re.findall(r'<pre id="found">(.*?)</pre>', dom, re.DOTALL)[0]))
    assert found["count"] > 500
    assert found["lang"] == lang
    assert found["width"] == width
    assert (found["paper"] == "rgb(255, 255, 255)") == (scheme == "light")
    assert found["lowest"][0][0] >= 4.5, found["lowest"]
    assert found["overflow"] <= 0
    assert not any(found["faults"].values()), {kind: those for kind, those in found["faults"].items() if those}


def test_prints_to_pages(report: cs.Report, tmp_path: Path) -> None:
    assert report.folder is not None
    target = tmp_path / "report.pdf"
    browse(tmp_path, f"--print-to-pdf={target}", (report.folder / "report.html").resolve().as_uri())
    content = target.read_bytes()
    assert content.startswith(b"%PDF")
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", content)) <= 9
