extension Setting {
    /// Every setting, in the order of `run.yaml`; names are Hugging Face's where it has one, else nanochat's.
    public static let all: [Setting] = [
        text("preset", \.preset, "a named size: \(Preset.all.map(\.name).joined(separator: ", "))"),
        whole("depth", \.depth, 1...128, "the one size dial: layers, and all else from scaling rules"),
        whole("num_hidden_layers", \.layers, 1...4096, "blocks", ["n_layer"]),
        whole("hidden_size", \.width, 1...(1 << 20), "elements of the residual stream", ["n_embd"]),
        whole("num_attention_heads", \.heads, 1...4096, "attention heads", ["n_head"]),
        whole("num_key_value_heads", \.kvHeads, 1...4096, "heads of keys and values"),
        whole("intermediate_size", \.feedForward, 1...(1 << 22), "width of the feed-forward layer", ["n_inner"]),
        whole("max_position_embeddings", \.context, 1...(1 << 30), "the longest text the model is made for, in tokens", ["n_positions"]),
        number("dropout", \.dropout, 0...0.9, "share of activations dropped while training; of attention alone in llama, as in its configuration"),

        whole("per_device_train_batch_size", \.batch, 1...(1 << 20), "rows in one pass", ["device_batch_size", "batch"]),
        whole("max_seq_len", \.sequence, 1...(1 << 20), "tokens in a row", ["sequence"]),
        whole("gradient_accumulation_steps", \.accumulation, 1...(1 << 20), "passes whose gradients make one step"),
        whole("total_batch_size", \.totalBatch, 1...(1 << 40), "tokens in one step, in place of gradient_accumulation_steps"),
        whole("max_steps", \.steps, 1...(1 << 40), "steps of the run", ["num_iterations", "steps"]),
        whole("max_tokens", \.tokens, 1...(1 << 50), "tokens of the run, in place of max_steps", ["tokens"]),
        number("target_param_data_ratio", \.tokensPerParameter, 0.001...1e6, "tokens for each parameter, in place of max_steps"),

        number("learning_rate", \.learningRate, 0...100, "AdamW's peak rate"),
        choice("lr_scheduler_type", \.schedule, "how the rate falls", also: ["constant_with_warmup": .constant, "wsd": .warmupStableDecay]),
        whole("warmup_steps", \.warmupSteps, 0...(1 << 40), "steps in which the rate rises"),
        number("warmup_ratio", \.warmupRatio, 0...1, "the same as a share of the run"),
        number("warmdown_ratio", \.warmdownRatio, 0...1, "share of the run in which warmup_stable_decay falls"),
        number("final_lr_frac", \.finalFraction, 0...1, "what is left of the rate at the end"),

        choice("optim", \.optimizer, "the rule for hidden matrices", also: ["adamw_torch": .adamw]),
        number("matrix_lr", \.matrixRate, 0...100, "peak rate of hidden matrices"),
        number("embedding_lr", \.embeddingRate, 0...100, "peak rate of the embedding"),
        number("unembedding_lr", \.headRate, 0...100, "peak rate of the head"),
        number("scalar_lr", \.scalarRate, 0...100, "peak rate of norms and biases"),
        number("adam_beta1", \.beta1, 0...0.9999999, "decay of AdamW's first moment"),
        number("adam_beta2", \.beta2, 0...0.9999999, "decay of AdamW's second moment"),
        number("adam_epsilon", \.epsilon, 1e-30...1, "what keeps AdamW from dividing by zero"),
        number("muon_momentum", \.momentum, 0...0.9999999, "Muon's momentum"),
        number("weight_decay", \.weightDecay, 0...10, "pull of matrices and embeddings to zero; norms and biases have none"),
        number("max_grad_norm", \.clip, 0...1e9, "gradients longer than this are shortened to it; 0 does not clip"),

        flag("bf16", \.bf16, "weights in bfloat16, with f32 masters"),
        choice(
            "gradient_checkpointing", \.recompute, "what backward computes again to save memory", ["recompute"],
            also: ["true": .block, "false": .none]),
        whole("seed", \.seed, 0...Int.max, "where every random number comes from"),

        whole("logging_steps", \.logEvery, 1...(1 << 40), "steps between two lines of metrics").free(),
        whole("eval_every", \.evalEvery, 1...(1 << 40), "steps between two evaluations", ["eval_steps"]).free(),
        whole("eval_tokens", \.evalTokens, 1...(1 << 40), "held-out tokens in one evaluation"),
        whole("sample_every", \.sampleEvery, 1...(1 << 40), "steps between two samples").free(),
        text("sample_prompt", \.samplePrompt, "how samples begin").free(),
        whole("sample_tokens", \.sampleTokens, 1...65_536, "length of a sample").free(),
        number("sample_temperature", \.sampleTemperature, 0...10, "temperature of a sample").free(),
        whole("save_every", \.saveEvery, 1...(1 << 40), "steps between two checkpoints", ["save_steps"]).free(),
        whole("save_total_limit", \.keepLast, 1...1_000_000, "newest checkpoints that are kept, beside the best").free(),

        whole("max_skipped_steps", \.maxSkipped, 1...1_000_000, "steps in a row without finite gradients before rolling back"),
        whole("max_rollbacks", \.maxRollbacks, 0...1000, "roll-backs before the run stops").free(),
    ]
}
