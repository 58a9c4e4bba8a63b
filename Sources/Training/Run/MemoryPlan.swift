public import QuintetFiles
import QuintetLayers
import QuintetReports
import QuintetTensors

/// What a training run will need in memory, worked out before a byte of it is taken.
///
/// Weights, gradients and moments are exact; what a step keeps for its backward pass is counted from the spec, with a tenth on top. Held against
/// the peak that the system counts (`VmHWM`): Docs/Log.md.
public struct MemoryPlan: Sendable, Equatable {
    /// Bytes of weights that do not move.
    public var frozen = 0
    /// Bytes of the weights in training, their gradients and moments.
    public var trained = 0
    /// Bytes of what a step keeps, at its longest.
    public var activations = 0
    /// Bytes of the result as the gate opens it, beside the model as it was trained.
    public var checking = 0
    /// Bytes of the program itself, its tables and its threads.
    public static let program = 48 << 20
    /// Bytes that this process may still take.
    public var available: Int

    public var needed: Int { frozen + trained + activations + checking + Self.program }

    /// `rows`: tokens of the longest batch.
    init(
        _ spec: TransformerSpec, _ method: AdaptSettings.Method, trained parameters: Int, frozen: Int, rows: Int, recompute: Recompute, checks: Bool, exports: Bool = false,
        available: Int = MachineMemory.available
    ) {
        self.frozen = frozen
        checking = checks ? method == .full ? parameters * 4 : frozen : 0
        // A further file is opened beside the base.
        if exports { checking *= 2 }
        self.trained = parameters * 16
        self.available = available
        let layers = spec.layers.map { Self.kept($0, width: spec.width) }
        let kept =
            switch recompute {
            case .none: layers.reduce(0, +)
            case .activations: layers.reduce(0, +) * 6 / 10
            case .block: spec.layers.count * spec.width + (layers.max() ?? 0)
            }
        let logits = method == .head ? 0 : min(rows * spec.vocabulary * 4, 64 << 20)
        // The gradients that are on their way: about three of the widest.
        let onTheWay = 3 * (layers.max() ?? 0) / 2
        // Beside frozen matrices most inputs need not be kept; under a head nothing is.
        let share =
            switch method {
            case .full: kept
            case .lora, .dora, .qlora: recompute == .block ? kept : kept * 8 / 10
            case .head: 0
            }
        activations = (rows * 4 * (share + onTheWay + 4 * spec.width) + 2 * logits) * 11 / 10
    }

    /// Numbers that a block keeps for each token.
    private static func kept(_ block: BlockSpec, width: Int) -> Int {
        let mixer =
            switch block.mixer {
            case .attention(let attention): attention.qkvWidth + attention.queryWidth + attention.heads
            case .latentAttention(let attention): attention.heads * (2 * attention.headWidth + attention.latentWidth) + attention.cachedWidth
            case .stateSpace(let space): 8 * space.inner + space.inner * space.states / 16
            }
        let feedForward =
            switch block.feedForward {
            case .plain(let hidden, _, _): 2 * hidden
            case .gated(let hidden, _, _): 3 * hidden
            case .experts(let experts): 3 * experts.hidden * experts.routing.chosen + experts.routing.experts
            case .none: 0
            }
        return mixer + feedForward + 6 * width
    }

    /// - Throws: `TrainingError.impossible` with what was asked for, in parts, and `advice`, where it will not fit.
    public func check(_ advice: [String]) throws(TrainingError) {
        guard needed > available else { return }
        throw .impossible(["this needs \(bytes(needed)) of memory and \(bytes(available)) are free: \(summary). Try " + advice.joined(separator: ", or ")])
    }

    /// `84 MB needed, 22 GB free: weights in training with gradients and moments 4.2 MB, a step 31 MB, the program 50 MB`.
    public var line: String { "\(bytes(needed)) needed, \(bytes(available)) free: \(summary)" }

    /// `weights in training with gradients and moments 4.2 MB, a step 31 MB, the program 50 MB`.
    public var summary: String {
        let parts = [
            ("weights in training with gradients and moments", trained), ("frozen weights", frozen), ("a step", activations), ("the gate", checking),
            ("the program", Self.program),
        ]
        return parts.filter { $0.1 > 0 }.map { "\($0) \(bytes($1))" }.joined(separator: ", ")
    }

    public var json: JSON {
        [
            "needed": JSON(needed), "available": JSON(available), "trained": JSON(trained), "frozen": JSON(frozen), "activations": JSON(activations), "checking": JSON(checking),
        ]
    }

    /// 1,500,000 as "1.5 MB".
    func bytes(_ count: Int) -> String {
        var (value, unit) = (Double(count), 0)
        while value >= 1000, unit < 4 { (value, unit) = (value / 1000, unit + 1) }
        return "\(Number.short(value, digits: value < 10 ? 1 : 0)) \(["B", "kB", "MB", "GB", "TB"][unit])"
    }
}
