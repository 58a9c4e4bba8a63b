import QuintetCheckpoints
import QuintetFiles
import QuintetModels
import QuintetTensors

extension AdaptSettings {
    /// The adapter's configuration, as PEFT has it.
    /// - Throws: `TrainingError` for QLoRA over weights that are not quantized.
    func adapterConfig(_ base: ModelFolder, _ head: ScoreShape?) throws(TrainingError) -> AdapterConfig {
        if method == .qlora, !base.hasBlocks {
            throw .impossible([
                "the method qlora needs a base in quantized types, this one is stored in \(base.storedType): "
                    + "run quintet convert \(base.path) OUT.gguf --quantize q4_k_m first, or use --method lora"
            ])
        }
        return AdapterConfig(
            rank: rank, alpha: alpha ?? 2 * Double(rank), dropout: Float(adapterDropout), scaling: rankStabilized ? .rankStabilized : .standard,
            form: method == .dora ? .dora : .lora, targets: adapterTargets, savedModules: savedModules + (head.map { [base.family.layer($0.layerKind)] } ?? []),
            baseModel: Folder.resolved(base.path), taskType: head.map { $0.kind == .tokens ? "TOKEN_CLS" : "SEQ_CLS" } ?? "CAUSAL_LM")
    }

    /// How products with the base's frozen weights take their numbers.
    func arithmetic(_ base: ModelFolder) -> FrozenArithmetic {
        arithmetic ?? (base.hasBlocks || base.storedType == "BF16" ? .brain : base.arithmetic)
    }

    /// The adapter on its base.
    /// - Throws: `FileError` with what there is, where a target is no module.
    func adapterPlan(_ base: ModelFolder, _ head: ScoreShape?) throws -> AdapterPlan {
        let plan = try AdapterPlan(try adapterConfig(base, head), for: base)
        guard case .names(let names) = adapterTargets else { return plan }
        if let none = names.first(where: { name in !plan.modules.contains { $0.name == name || $0.name.hasSuffix(".\(name)") } }) {
            // A name that nothing has, alone, is refused with the list of those that are there.
            var alone = self
            alone.targets = [none]
            _ = try AdapterPlan(try alone.adapterConfig(base, head), for: base)
        }
        return plan
    }

    /// Names, or one pattern where it is written as one.
    private var adapterTargets: AdapterConfig.Targets {
        guard let first = targets.first, targets != ["all-linear"] else { return .allLinear }
        let isPattern = targets.count == 1 && first.contains { "*+?[]()|^$\\".contains($0) }
        return isPattern ? .pattern(first) : .names(targets)
    }
}
