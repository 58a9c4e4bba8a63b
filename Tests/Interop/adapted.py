#!/usr/bin/env python3
"""Opens results of `quintet adapt` with transformers (and peft) and compares what they say with what quintet says.

    python3 Tests/Interop/adapted.py QUINTET DIR                       # a model that writes: greedy ids of a few prompts
    python3 Tests/Interop/adapted.py QUINTET DIR --test rows.jsonl     # a classifier: its accuracy on rows with text and label
"""
import argparse
import json
import os
import subprocess

import torch
import transformers


def writes(arguments):
    path = arguments.folder
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    if os.path.exists(f"{path}/adapter_config.json"):
        import peft
        model = peft.AutoPeftModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    else:
        model = transformers.AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    model.eval()
    wrong = 0
    for prompt in arguments.prompts or ["Once upon a time", "What is your name?", "Hello"]:
        ours = json.loads(subprocess.run(
            [arguments.quintet, "generate", path, "--prompt", prompt, "--max-tokens", "24", "--temperature", "0", "--json"], capture_output=True, text=True, check=True).stdout)
        given = torch.tensor([ours["prompt_ids"]])
        with torch.no_grad():
            theirs = model.generate(input_ids=given, max_new_tokens=24, do_sample=False, attention_mask=torch.ones_like(given))[0, given.shape[1]:].tolist()
        same = theirs[: len(ours["ids"])] == ours["ids"]
        wrong += not same
        print("same" if same else "DIFFERENT", repr(prompt), "->", repr(tokenizer.decode(ours["ids"], skip_special_tokens=True)))
    return wrong


def scores(arguments):
    tokenizer = transformers.AutoTokenizer.from_pretrained(arguments.folder)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(arguments.folder, dtype=torch.float32).eval()
    right = total = 0
    for line in open(arguments.test):
        row = json.loads(line)
        with torch.no_grad():
            logits = model(torch.tensor([tokenizer(row["text"])["input_ids"]])).logits[0]
        right += model.config.id2label[int(logits.argmax())] == str(row["label"])
        total += 1
    print(f"accuracy with transformers: {right / total:.4f} on {total} rows")
    return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("quintet")
    parser.add_argument("folder")
    parser.add_argument("--test")
    parser.add_argument("--prompts", nargs="*")
    arguments = parser.parse_args()
    raise SystemExit(scores(arguments) if arguments.test else writes(arguments))


main()
