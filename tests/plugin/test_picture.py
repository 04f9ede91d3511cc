"""The timeline picture in a real browser: nothing lies outside of it or over another text, on a wide screen and
on a phone's, on light and on dark."""

import json
import pathlib
import re
import shutil
import subprocess

import pytest

TREE = pathlib.Path(__file__).parents[2]
WWW = TREE / "opnsense-plugin/src/opnsense/www"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]
EVIL = "<script>document.title='hit'</script><img src=x onerror=\"document.title='hit'\">"

PAGE = """<!doctype html><meta charset="utf-8"><title>quiet</title><style>%(css)s
body { margin: 0; font-family: sans-serif; background: %(background)s; color: %(colour)s; }</style>
<div class="hearth" style="width: %(width)spx">%(svg)s</div>
<pre id="told"></pre>
<script>
const svg = document.querySelector('svg'), frame = svg.getBoundingClientRect();
// What is seen of it: a text in a frame of its own ends with that.
const box = (one) => {
    const b = one.getBoundingClientRect(), around = one.ownerSVGElement;
    const own = around !== svg ? around.getAttribute('width') : null, x = around !== svg ? Number(around.getAttribute('x')) : 0;
    const right = own === null ? b.right : Math.min(b.right, frame.left + x + Number(own));
    return [b.left, b.top, right, b.bottom].map((n) => Math.round(n * 10) / 10);
};
const all = (name) => [...svg.querySelectorAll(name)].map((one) => ({text: one.textContent, box: box(one), fill: getComputedStyle(one).fill}));
document.getElementById('told').textContent = JSON.stringify({
    frame: [frame.left, frame.top, frame.right, frame.bottom], texts: all('text'), bars: all('.hearth-bar'), dots: all('.hearth-dot'),
    marks: all('.hearth-mark'), why: all('.hearth-why'), title: document.title, images: document.images.length,
    scripts: document.scripts.length, colour: getComputedStyle(document.body).color});
</script>
"""


def boot():
    """A boot with everything: DHCP, transfers, a long silence, a failure, and a name that is markup."""
    events, seq = [], 0

    def add(offset, stage, **more):
        nonlocal seq
        seq += 1
        events.append({"seq": seq, "at": 1796000000000 + offset, "offset": offset, "stage": stage, **more})

    add(0, "firmware", kind="dhcp", text="firmware (architecture 7) looks for a DHCP server")
    for at, name, size, took, stage in [(2100, "snponly.efi", 180224, 0.7, "loader"), (6200, "default.ipxe", 2300, 0.05, "default"),
                                        (9900, "talos/v1/kernel-amd64", 18700000, 3.1, "images"),
                                        (29000, f"talos/{EVIL}.xz", 96000000, 18.8, "images")]:
        add(at, stage, kind="transfer", via="tftp", name=name, bytes=size, size=size, seconds=took, outcome="done", text=name)
    add(330000, None, kind="phase", to="failed", text=f"ready -> failed: {EVIL} " + "word " * 40)
    found = [{"severity": "error", "sentence": f"The system had not asked for an address {EVIL}. " + "Its card has no driver. " * 5,
              "remedy": "x", "evidence": [5]}]
    return {"began": 1796000000000, "ended": 1796000330000, "events": events}, found


@pytest.fixture(params=[(900, "#fff", "#333"), (370, "#14151c", "#ddd")], ids=["wide-light", "phone-dark"])
def seen(request, tmp_path):
    width, background, colour = request.param
    made, found = boot()
    script = (f"import {{picture}} from {json.dumps(str(WWW / 'js/hearth/timeline.js'))};"
              f"process.stdout.write(picture({json.dumps(made)}, {json.dumps(found)}, {{width: {width}, id: 'boot'}}));")
    (tmp_path / "make.mjs").write_text(script)
    svg = subprocess.run(["node", tmp_path / "make.mjs"], capture_output=True, text=True, check=True, timeout=60).stdout
    page = tmp_path / "page.html"
    page.write_text(PAGE % {"css": (WWW / "css/hearth.css").read_text(), "svg": svg, "width": width,
                            "background": background, "colour": colour})
    browser = shutil.which("chromium") or "chromium"
    dumped = subprocess.run([browser, *FLAGS, f"--user-data-dir={tmp_path}/browser", f"--window-size={width + 30},1200",
                             "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=120)
    told = re.search(r'<pre id="told">(.*?)</pre>', dumped.stdout, re.S)
    assert told, dumped.stderr
    text = told[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return {**json.loads(text), "width": width}


def test_everything_is_inside_of_the_picture(seen):
    left, top, right, bottom = seen["frame"]
    assert right - left == seen["width"]
    for one in seen["texts"] + seen["bars"] + seen["dots"] + seen["marks"]:
        x, y, x2, y2 = one["box"]
        assert left <= x and x2 <= right + 0.5 and top <= y and y2 <= bottom, one


def test_no_text_lies_over_another(seen):
    texts = [one for one in seen["texts"] if one["text"] != "!"]
    for number, one in enumerate(texts):
        for other in texts[number + 1:]:
            a, b = one["box"], other["box"]
            apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] + 3 or b[3] <= a[1] + 3
            assert apart, (one, other)


def test_bars_stand_in_their_order_and_the_failed_one_is_marked(seen):
    assert len(seen["bars"]) == 4 and len(seen["marks"]) == 1 and seen["why"]
    starts = [one["box"][0] for one in seen["bars"]]
    assert starts == sorted(starts)
    widths = [one["box"][2] - one["box"][0] for one in seen["bars"]]
    assert widths[3] > widths[2] > widths[0] >= 4
    good, bad = seen["bars"][0]["fill"], seen["bars"][3]["fill"]
    assert good != bad == seen["why"][0]["fill"] == seen["marks"][0]["fill"]


def test_text_has_the_theme_s_colour(seen):
    labels = [one for one in seen["texts"] if one not in seen["why"] and one["text"] != "!"]
    assert {one["fill"] for one in labels} == {seen["colour"]}


def test_what_a_machine_says_is_text(seen):
    assert seen["title"] == "quiet" and seen["images"] == 0 and seen["scripts"] == 1
    assert any("<script>" in one["text"] for one in seen["texts"] + seen["why"])
