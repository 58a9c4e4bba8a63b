#!/usr/bin/env python3
"""Writes Tests/TrainingTests/Objectives: a tiny Llama, batches, and the losses and gradients that trl and transformers compute for them.

    pip install torch transformers trl datasets tokenizers safetensors && python3 Tests/Interop/objectives.py

cases.json holds the ids of each case, golden.safetensors `CASE.loss` and `CASE.grad.NAME` for every parameter.
"""
import json
import os
import tempfile

import torch
from datasets import Dataset
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification, LlamaForTokenClassification, PreTrainedTokenizerFast)
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

OUT = os.path.join(os.path.dirname(__file__), "..", "TrainingTests", "Objectives")
VOCABULARY = 40

SIZES = dict(
    vocab_size=VOCABULARY, hidden_size=8, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, head_dim=4,
    max_position_embeddings=64, tie_word_embeddings=True, bos_token_id=1, eos_token_id=2, pad_token_id=0, initializer_range=0.3)

# Lengths differ on purpose; `given` tokens of each text are not learned.
SFT = [dict(ids=[1, 5, 9, 12, 7, 3, 2], given=3), dict(ids=[1, 8, 6, 30, 31, 32, 33, 34, 35, 2], given=2), dict(ids=[1, 4, 2], given=1)]
PAIRS = [
    dict(prompt=[1, 5, 6], chosen=[10, 11, 12, 2], rejected=[13, 2]), dict(prompt=[1, 20, 21, 22, 23], chosen=[24, 2], rejected=[25, 26, 27, 2]),
]
LABELLED = [dict(ids=[1, 5, 9, 12], label=2), dict(ids=[1, 8, 6, 30, 31, 32], label=0), dict(ids=[1, 39], label=1)]
VALUES = [0.5, -1.25, 2.0]
TAGS = [[-100, 1, -100, 0], [-100, 2, 0, -100, 1, 1], [-100, 2]]


def tokenizer():
    words = ["<pad>", "<s>", "</s>"] + [f"w{i}" for i in range(3, VOCABULARY)]
    inner = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<pad>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    inner.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<pad>")


def fresh(kind, seed=0, **more):
    torch.manual_seed(seed)
    model = kind(LlamaConfig(**SIZES, **more))
    for name, parameter in model.named_parameters():  # norms that are all ones would hide mistakes
        if "norm" in name:
            parameter.data.uniform_(0.5, 1.5)
    return model.float().train()


def padded(rows, value):
    longest = max(len(r) for r in rows)
    return torch.tensor([r + [value] * (longest - len(r)) for r in rows])


def record(golden, case, model, loss):
    model.zero_grad()
    loss.backward()
    golden[f"{case}.loss"] = loss.detach().float().reshape(1)
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            golden[f"{case}.grad.{name}"] = parameter.grad.detach().clone()


def sft(golden, model):
    ids = [r["ids"] for r in SFT]
    masks = [[0] * r["given"] + [1] * (len(r["ids"]) - r["given"]) for r in SFT]
    with tempfile.TemporaryDirectory() as folder:
        trainer = SFTTrainer(
            model, SFTConfig(output_dir=folder, report_to=[], use_cpu=True, bf16=False, completion_only_loss=True, gradient_checkpointing=False),
            train_dataset=Dataset.from_list([dict(input_ids=i, completion_mask=m) for i, m in zip(ids, masks)]), processing_class=tokenizer())
        batch = trainer.data_collator([trainer.train_dataset[i] for i in range(len(ids))])
        loss = trainer.compute_loss(trainer.model, batch, num_items_in_batch=torch.tensor(sum(map(sum, masks))))
    record(golden, "sft", model, loss)


def dpo(golden, model, reference, beta):
    with tempfile.TemporaryDirectory() as folder:
        trainer = DPOTrainer(
            model, reference, DPOConfig(output_dir=folder, report_to=[], use_cpu=True, bf16=False, beta=beta, gradient_checkpointing=False, disable_dropout=True),
            train_dataset=Dataset.from_list([dict(prompt="w5", chosen="w6", rejected="w7")]), processing_class=tokenizer())
        texts = [p["prompt"] + p["chosen"] for p in PAIRS] + [p["prompt"] + p["rejected"] for p in PAIRS]
        masks = [[0] * len(p["prompt"]) + [1] * len(p["chosen"]) for p in PAIRS] + [[0] * len(p["prompt"]) + [1] * len(p["rejected"]) for p in PAIRS]
        inputs = dict(input_ids=padded(texts, 0), attention_mask=padded([[1] * len(t) for t in texts], 0), completion_mask=padded(masks, 0))
        trainer.model.train()
        loss = trainer._compute_loss(trainer.model, inputs, False)
        record(golden, f"dpo{beta}", model, loss)
        with torch.no_grad():
            logps = trainer.ref_model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]).logits.log_softmax(-1)
        rows = logps[:, :-1].gather(2, inputs["input_ids"][:, 1:, None])[..., 0] * inputs["completion_mask"][:, 1:]
        golden[f"dpo{beta}.reference"] = rows.sum(1).reshape(2, len(PAIRS)).T.contiguous()  # a row for each pair: chosen, rejected


def heads(golden, models):
    ids = [r["ids"] for r in LABELLED]
    batch = dict(input_ids=padded(ids, 0), attention_mask=padded([[1] * len(i) for i in ids], 0))
    record(golden, "classification", models["classification"], models["classification"](**batch, labels=torch.tensor([r["label"] for r in LABELLED])).loss)
    record(golden, "regression", models["regression"], models["regression"](**batch, labels=torch.tensor(VALUES)).loss)
    record(golden, "tokens", models["tokens"], models["tokens"](**batch, labels=padded(TAGS, -100)).loss)


def main():
    os.makedirs(OUT, exist_ok=True)
    golden = {}
    base = fresh(LlamaForCausalLM)
    base.save_pretrained(OUT)
    reference = fresh(LlamaForCausalLM, seed=1)
    reference.save_pretrained(os.path.join(OUT, "reference"))
    for name in ["generation_config.json", "reference/generation_config.json"]:
        os.remove(os.path.join(OUT, name))
    tokenizer().save_pretrained(OUT)
    sft(golden, fresh(LlamaForCausalLM))
    for beta in (0.1, 0.5):
        dpo(golden, fresh(LlamaForCausalLM), fresh(LlamaForCausalLM, seed=1), beta)
    models = dict(
        classification=fresh(LlamaForSequenceClassification, num_labels=3), regression=fresh(LlamaForSequenceClassification, num_labels=1, problem_type="regression"),
        tokens=fresh(LlamaForTokenClassification, num_labels=3, classifier_dropout=0.0))
    for name, model in models.items():  # over the same decoder
        model.model.load_state_dict(base.model.state_dict())
        for part, tensor in model.score.state_dict().items():
            golden[f"{name}.score.{part}"] = tensor.clone()
    heads(golden, models)
    save_file(golden, os.path.join(OUT, "golden.safetensors"))
    with open(os.path.join(OUT, "cases.json"), "w") as file:
        json.dump(dict(sft=SFT, pairs=PAIRS, labelled=LABELLED, values=VALUES, tags=TAGS), file)
    for name, tensor in golden.items():
        if name.endswith(".loss"):
            print(name, tensor.item())


main()
