"""Renders conversations with chat templates through transformers, as the expected results of our tests.

    python Tests/Interop/chat_templates.py Tests/TokenizersTests/Templates          writes golden.jsonl beside the templates
    python Tests/Interop/chat_templates.py --list FOLDER OUT                        all cases of another folder of *.jinja

Each line: {"template", "case", "text"} or {"template", "case", "error"}. The cases are in cases.json.
"""
import datetime, json, os, pathlib, sys

os.environ["TZ"] = "UTC"
import transformers.utils.chat_template_utils as utils
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast


class Noon(datetime.datetime):
    """The moment that strftime_now sees: 1 768 478 400 seconds after 1970."""

    @classmethod
    def now(cls, tz=None):
        return cls(2026, 1, 15, 12, 0, 0)


utils.datetime = Noon
tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="<pad>")


def render(template, case):
    try:
        text = tokenizer.apply_chat_template(
            case["messages"], tools=case.get("tools"), documents=case.get("documents"), chat_template=template, tokenize=False,
            add_generation_prompt=case.get("add_generation_prompt", False),
            continue_final_message=case.get("continue_final_message", False), **case.get("variables", {}))
        return {"text": text}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:200]}


def rows(folder, cases):
    for path in sorted(pathlib.Path(folder).glob("*.jinja")):
        template = path.read_text(encoding="utf-8")
        for name, case in cases.items():
            yield {"template": path.name, "case": name, **render(template, case)}


def snippets(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        yield {"snippet": line, **render(line, {"messages": [{"role": "user", "content": "x"}]})}


if __name__ == "__main__":
    here = pathlib.Path(__file__).resolve().parent.parent / "TokenizersTests" / "Templates"
    cases = json.loads((here / "cases.json").read_text(encoding="utf-8"))
    folder, out = (sys.argv[2], sys.argv[3]) if sys.argv[1] == "--list" else (sys.argv[1], str(here / "golden.jsonl"))
    with open(out, "w", encoding="utf-8") as file:
        for row in rows(folder, cases):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    if sys.argv[1] != "--list":
        with open(here / "snippets.jsonl", "w", encoding="utf-8") as file:
            for row in snippets(here / "snippets.txt"):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
