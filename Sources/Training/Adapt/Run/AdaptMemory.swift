import QuintetFiles

extension MemoryPlan {
    /// What would make an adaptation of these settings smaller.
    func advice(adapting settings: AdaptSettings) -> [String] {
        var advice: [String] = []
        if activations > needed / 4 {
            if settings.batch > 1 { advice.append("a smaller --batch with --accumulation") }
            if settings.recompute != .block { advice.append("--recompute block") }
            advice.append("a smaller --max-length")
        }
        if settings.method == .full { advice.append("--method lora") }
        if settings.method.isAdapter, trained > needed / 4 { advice.append("a smaller --rank") }
        if settings.method != .qlora, frozen > needed / 4 { advice.append("a quantized base (quintet convert MODEL OUT.gguf --quantize q4_k_m) with --method qlora") }
        return advice.isEmpty ? ["a smaller model"] : advice
    }
}
