"""Checks the description of a running `hico serve`, and its answers against it: ADDRESS FOLDER_OF_FRAMES."""

import json
import pathlib
import sys
import urllib.error
import urllib.request

try:
    from openapi_schema_validator import OAS31Validator
    from openapi_spec_validator import validate
except ImportError:
    sys.exit(3)

address, folder = sys.argv[1], pathlib.Path(sys.argv[2])
root = f"http://{address}"
boundary = "a-line-between"


def ask(path, files=None):
    """Status, type and text of an answer."""
    request = urllib.request.Request(root + path)
    if files is not None:
        parts = [
            b'--%s\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\n%s\r\n'
            % (boundary.encode(), file.name.encode(), file.read_bytes())
            for file in files
        ]
        request.data = b"".join(parts) + b"--%s--\r\n" % boundary.encode()
        request.add_header("Content-Type", f"multipart/form-data; boundary={boundary}")
    try:
        answer = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        answer = error
    return answer.status, answer.headers.get_content_type(), answer.read().decode()


document = json.loads(ask("/openapi.json")[2])
validate(document)


def check(path, method, files=None, status=200, query=""):
    found, kind, text = ask(path + query, files)
    assert found == status, f"{path}{query}: {found} {text[:300]}"
    described = document["paths"][path][method]["responses"][str(status)]["content"]
    assert kind in described, f"{path}: {kind} is not among {list(described)}"
    schema = {**described[kind]["schema"], "components": document["components"]}
    value = json.loads(text) if kind == "application/json" else text
    errors = [f"{path}{query}: {error.json_path}: {error.message[:300]}" for error in OAS31Validator(schema).iter_errors(value)]
    assert not errors, errors


frames = sorted(folder.iterdir())
for path in ["/card", "/limits", "/metrics", "/health", "/openapi.json", "/"]:
    check(path, "get")
for path, queries in {
    "/predict": ["", "?frame_stride=2&pictures=1", "?every=2"],
    "/explain": ["", "?frame=0", "?count=2"],
    "/embed": ["", "?per=frame&frames_per_clip=2"],
}.items():
    for query in queries:
        check(path, "post", frames, query=query)
    check(path, "post", [], status=400)
    check(path, "post", [pathlib.Path(sys.executable)], status=422)
undescribed = {"/page.css", "/page.js"}
assert not undescribed & set(document["paths"])
print("checked", len(document["paths"]))
