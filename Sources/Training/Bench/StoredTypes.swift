public import QuintetTensors

/// What matrices are stored in: one type, or llama.cpp's mixtures, in which what matters most has six bits.
public enum StoredTypes: Sendable, Equatable {
    case plain(DType)
    case mixed(DType)

    /// By the names people know: f16, q8_0, q4_k_m, ...
    public init?(_ name: String) {
        switch name {
        case "q4_k_m": self = .mixed(.q4_K)
        case "q5_k_m": self = .mixed(.q5_K)
        default:
            let isFloat = ["f32", "f16", "bf16"].contains(name)
            guard let type = DType.allCases.first(where: { "\($0)".lowercased() == name && ($0.isBlockFormat ? $0.canBeMade : isFloat) }) else { return nil }
            self = .plain(type)
        }
    }

    public static let names = ["f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "q4_k", "q5_k", "q6_k", "q4_k_m", "q5_k_m", "mxfp4"]

    /// The type of part `part` of a parameter, in our names.
    func type(of name: String, part: Int, layers: Int) -> DType {
        guard case .mixed(let base) = self else { return plainType }
        if name.hasPrefix("head") { return .q6_K }
        let pieces = name.split(separator: "."), layer = pieces.count > 1 ? Int(pieces[1]) ?? 0 : 0
        let matters = name.hasSuffix("feedForward.down.weight") || name.hasSuffix("attention.qkv.weight") && part == 2
        let more = layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2
        return matters && more ? .q6_K : base
    }

    private var plainType: DType {
        switch self {
        case .plain(let type), .mixed(let type): type
        }
    }
}
