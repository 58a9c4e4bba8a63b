#!/usr/bin/env python3
"""Classifiers of every decoder family: `quintet adapt` trains them, transformers (and peft) opens them, and both have to say the same.

    python3 Tests/Interop/heads.py QUINTET MODELS [FAMILY ...]

MODELS holds a folder for each family (config.json, model.safetensors; 256 tokens or so); the tokenizer of Tests/TrainingTests/Objectives is put beside
them. Texts and words, the whole model and adapters. Needs `pip install torch transformers peft`.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

import torch
import transformers

TOKENIZER = os.path.join(os.path.dirname(__file__), "..", "TrainingTests", "Objectives")
# peft 0.21 takes gate_proj, up_proj and down_proj in a family with experts for the experts' own and renames them.
TARGETS = {"deepseek_v3": "q_a_proj,q_b_proj,kv_a_proj_with_mqa,o_proj"}
TEXTS = ["w5 w6 w7 w10", "w8 w25", "w4 w9 w25 w11 w12"]


def rows(folder):
    with open(f"{folder}/texts.jsonl", "w") as file:
        for i in range(24):
            file.write(json.dumps({"text": f"w{3 + i % 20} w5 w{25 if i % 2 else 10}", "label": ["even", "odd"][i % 2]}) + "\n")
    with open(f"{folder}/words.jsonl", "w") as file:
        for i in range(24):
            file.write(json.dumps({"tokens": [f"w{3 + i % 20}", "w25", f"w{4 + i % 20}"], "tags": ["O", "B", "O"]}) + "\n")


def opened(path, base, auto, peft_auto, labels):
    if os.path.exists(f"{path}/adapter_config.json"):
        import peft
        return getattr(peft, peft_auto).from_pretrained(path, num_labels=labels, dtype=torch.float32).eval()
    model, info = getattr(transformers, auto).from_pretrained(path, dtype=torch.float32, output_loading_info=True, attn_implementation="eager")
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if info[kind]:
            raise AssertionError(f"{kind}: {sorted(info[kind])[:4]}")
    return model.eval()


def check(quintet, place, base, data, method, auto):
    out = f"{place}/out"
    shutil.rmtree(out, ignore_errors=True)
    command = [quintet, "adapt", base, "--data", f"{place}/{data}.jsonl", "--into", out, "--method", method, "--steps", "4", "--learning-rate", "0.01", "--quiet", "--json"]
    if method == "lora" and os.path.basename(base) in TARGETS:
        command += ["--targets", TARGETS[os.path.basename(base)]]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return "FAILED " + done.stderr.strip().splitlines()[-1][:160]
    card = open(f"{out}/README.md").read()
    ours = [json.loads(line) for line in subprocess.run(
        [quintet, "adapt", "predict", out, "--json"] + [x for t in TEXTS for x in ("--text", t)], capture_output=True, text=True, check=True).stdout.splitlines()]
    if "has no class for this" in card:
        return "no class there, said in the card"
    labels = json.load(open(f"{out}/{'labels' if method == 'lora' else 'config'}.json"))["id2label"]
    model = opened(out, base, f"AutoModelFor{auto}", f"AutoPeftModelFor{auto}", len(labels))
    # The file itself: for some families the auto class takes its own rules in place of the file's.
    tokenizer, worst = transformers.PreTrainedTokenizerFast(tokenizer_file=f"{out}/tokenizer.json"), 0.0
    for text, row in zip(TEXTS, ours):
        with torch.no_grad():
            chances = model(torch.tensor([tokenizer(text)["input_ids"]])).logits[0].softmax(-1)
        if auto == "SequenceClassification":
            theirs = {labels[str(i)]: float(p) for i, p in enumerate(chances)}
            worst = max([worst] + [abs(theirs[k] - row["probabilities"][k]) for k in theirs])
        else:
            # One token a word, after the first id.
            best = chances[1:].max(-1)
            if [labels[str(int(i))] for i in best.indices] != row["predicted_tags"]:
                worst = 1.0
            worst = max([worst] + [abs(float(a) - b) for a, b in zip(best.values, row["probabilities"])])
    return f"{worst:.1e}" if worst < 1e-4 else f"DIFFERENT {worst:.1e}"


def main():
    quintet, models, *names = sys.argv[1:]
    wrong = 0
    for name in names or sorted(os.listdir(models)):
        about = f"{models}/{name}/about.json"
        if not os.path.exists(about) or json.load(open(about)).get("kind") != "causal":
            continue
        with tempfile.TemporaryDirectory() as place:
            base = f"{place}/{name}"
            os.mkdir(base)
            for file in ("config.json", "model.safetensors"):
                shutil.copy(f"{models}/{name}/{file}", base)
            for file in ("tokenizer.json", "tokenizer_config.json"):
                shutil.copy(f"{TOKENIZER}/{file}", base)
            rows(place)
            found = []
            for data, auto in (("texts", "SequenceClassification"), ("words", "TokenClassification")):
                for method in ("full", "lora"):
                    found.append(f"{data} {method}: {check(quintet, place, base, data, method, auto)}")
            wrong += any("FAILED" in f or "DIFFERENT" in f for f in found)
            print(f"{name:12s} " + "; ".join(found), flush=True)
    raise SystemExit(wrong)


main()
