"""Every field of every family's configuration class in `transformers`: is it used, refused, warned about, or passed over in silence?

A tiny model of each family is saved; then each field of its class gets a value that means nothing, one field at a time, and `quintet inspect`
reads the folder. A field that acts on the result has to be an error that names it (it is read) or a warning that names it (the reference does
not act on it either). What is passed over in silence is listed, and has to be in the list of fields that change no result.

    swift build -c release
    python3 Tests/Interop/config_fields.py [FAMILY...] [--quintet .build/release/quintet]

Exit status 0: nothing is passed over but what changes no result, or a library is missing (said on the first line). 1: something else is.
"""
import argparse, copy, json, pathlib, subprocess, sys, tempfile

import families

# Of the trainer, of the memory layout, of outputs: no number that a model computes depends on them.
HARMLESS = {
    # Every configuration has these.
    "architectures", "dtype", "torch_dtype", "id2label", "label2id", "num_labels", "problem_type", "return_dict", "output_hidden_states", "output_attentions",
    "chunk_size_feed_forward", "is_decoder", "use_cache", "transformers_version", "model_type", "_name_or_path", "task_specific_params", "tokenizer_class",
    "bos_token_id", "eos_token_id", "pad_token_id", "sep_token_id", "decoder_start_token_id", "finetuning_task", "prefix", "name_or_path",
    # Losses and routing in training.
    "router_aux_loss_coef", "output_router_logits", "router_jitter_noise", "aux_loss_alpha", "seq_aux", "num_mtp_layers", "num_nextn_predict_layers",
    # How the reference spreads work.
    "pretraining_tp", "ep_size", "slow_but_exact", "use_mambapy", "use_associative_scan", "fused_add_norm", "residual_in_fp32",
    # How weights begin.
    "rescale_prenorm_residual", "time_step_scale", "time_step_min", "time_step_max", "time_step_init_scheme", "time_step_floor", "init_device", "init_std",
    "initializer_range", "embd_pdrop", "resid_pdrop", "attn_pdrop",
    # Heads for other tasks; GPT-2's other order of the same multiplications.
    "classifier_dropout", "summary_activation", "summary_first_dropout", "summary_proj_to_labels", "summary_type", "summary_use_proj", "reorder_and_upcast_attn",
}
# What the class works out from other fields, whatever a file says.
DERIVED = {"mamba": {"intermediate_size"}, "deepseek_v3": {"qk_head_dim"}, "gemma3": {"_sliding_window_pattern"}, "gpt_neo": {"attention_layers"}}


def inspect(quintet, folder):
    result = subprocess.run([quintet, "inspect", folder, "--json"], capture_output=True, text=True)
    return result.returncode, result.stdout + result.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("families", nargs="*", default=[])
    parser.add_argument("--quintet", default=families.ROOT / ".build/release/quintet")
    options = parser.parse_args()
    wrong = 0
    for family in options.families or families.FAMILIES:
        with tempfile.TemporaryDirectory() as place:
            folder = pathlib.Path(place)
            families.make(family, 0, folder)
            path = folder / "config.json"
            good = json.loads(path.read_text())
            code, said = inspect(options.quintet, folder)
            if code != 0 or "not used by this family" in said:
                wrong += 1
                print(f"{family}: as it is: {said.strip()[-300:]}")
                continue
            fields = sorted(set(getattr(families.transformers, families.FAMILIES[family][0])().to_dict()) | set(good))
            told, silent = [], []
            for field in fields:
                heard = False
                for value in ["surprise", {"surprise": [1]}]:
                    path.write_text(json.dumps(copy.deepcopy(good) | {field: value}))
                    code, said = inspect(options.quintet, folder)
                    heard = heard or (code != 0 or "warning" in said) and field in said
                (told if heard else silent).append(field)
            other = [field for field in silent if field not in HARMLESS and field not in DERIVED.get(family, ())]
            wrong += len(other)
            print(f"{family:12} {len(told)} fields are read, refused or warned about; of no effect: {', '.join(f for f in silent if f in HARMLESS)}", flush=True)
            if other:
                print(f"{'':12} PASSED OVER: {', '.join(other)}", flush=True)
    print("every field is accounted for" if wrong == 0 else f"{wrong} fields are passed over")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
