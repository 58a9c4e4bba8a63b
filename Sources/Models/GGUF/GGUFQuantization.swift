public import QuintetCheckpoints
public import QuintetFiles
public import QuintetLayers
import QuintetTensors

/// The types in which a GGUF file stores a model's tensors: one name for a mixture, as people know it from llama.cpp.
public enum GGUFQuantization: String, Sendable, CaseIterable {
    /// As in the source.
    case none
    case f32, f16, bf16
    case q8_0, q4_0, q4_1, q5_0, q5_1, q6_k
    /// Four (five) bits for most, six for those that matter most.
    case q4_k_m, q5_k_m
    /// Four-bit floats for experts, eight bits for the rest.
    case mxfp4

    /// Those that need no source whose types could stay.
    public static let made = allCases.filter { $0 != .none }

    /// `general.file_type`; nil where the file has the source's types.
    public var fileType: UInt32? {
        switch self {
        case .none: nil
        case .f32: 0
        case .f16: 1
        case .q4_0: 2
        case .q4_1: 3
        case .q8_0: 7
        case .q5_0: 8
        case .q5_1: 9
        case .q4_k_m: 15
        case .q5_k_m: 17
        case .q6_k: 18
        case .bf16: 32
        case .mxfp4: 38
        }
    }

    /// The type of most matrices.
    private var base: GGUFType? {
        switch self {
        case .none: nil
        case .f32: .f32
        case .f16: .f16
        case .bf16: .bf16
        case .q8_0, .mxfp4: .q8_0
        case .q4_0: .q4_0
        case .q4_1: .q4_1
        case .q5_0: .q5_0
        case .q5_1: .q5_1
        case .q6_k: .q6_k
        case .q4_k_m: .q4_k
        case .q5_k_m: .q5_k
        }
    }
}

/// What decides the type of one tensor.
public struct GGUFTensorFacts: Sendable {
    /// In the file's names: `blk.3.attn_v.weight`.
    public var name: String
    /// Outermost axis first.
    public var shape: [Int]
    /// As it lies in the source.
    public var stored: GGUFType
    public var layers: Int
    public var experts: Int
    /// Whether the token embedding serves as the head.
    public var headIsTied: Bool

    public init(name: String, shape: [Int], stored: GGUFType, layers: Int, experts: Int, headIsTied: Bool) {
        self.name = name
        self.shape = shape
        self.stored = stored
        self.layers = layers
        self.experts = experts
        self.headIsTied = headIsTied
    }

    /// The part of the name that says what the tensor does, and its layer.
    fileprivate var role: (name: Substring, layer: Int) {
        let parts = name.split(separator: ".")
        return parts.count >= 3 && parts[0] == "blk" ? (parts[2], Int(parts[1]) ?? 0) : (parts.first ?? "", 0)
    }

    /// Vectors, and what is small and sensitive: kept in f32.
    fileprivate var staysWhole: Bool {
        let role = role.name
        return shape.count < 2 || role.hasSuffix("_norm") || name.hasSuffix(".bias") || ["ffn_gate_inp", "position_embd", "ssm_conv1d", "ssm_a", "ssm_d"].contains(role)
    }
}

extension GGUFQuantization {
    /// The type this tensor is stored in, and the one it would have if its rows were whole blocks.
    public func type(for tensor: GGUFTensorFacts) -> (type: GGUFType, wanted: GGUFType) {
        guard let base else { return (tensor.stored, tensor.stored) }
        if tensor.staysWhole { return (.f32, .f32) }
        let wanted = base.block.elements == 1 ? base : mixed(base, tensor)
        return (Self.fitting(wanted, row: tensor.shape.last ?? 1), wanted)
    }

    /// llama.cpp's mixtures: the head in six bits, values and down projections of some layers too.
    private func mixed(_ base: GGUFType, _ tensor: GGUFTensorFacts) -> GGUFType {
        let (role, layer) = tensor.role
        let isHead = role == "output" || role == "token_embd" && tensor.headIsTied
        if isHead { return base == .q8_0 ? .q8_0 : (tensor.shape.last ?? 1) % 256 == 0 ? .q6_k : .q8_0 }
        if self == .mxfp4 { return role.hasSuffix("_exps") ? .mxfp4 : .q8_0 }
        guard self == .q4_k_m || self == .q5_k_m else { return base }
        switch role {
        case "attn_v":
            if tensor.experts == 8 { return .q8_0 }
            return Self.usesMoreBits(layer, of: tensor.layers) ? .q6_k : base
        case "ffn_down", "ffn_down_exps", "ffn_down_shexp": return Self.usesMoreBits(layer, of: tensor.layers) ? .q6_k : base
        case "attn_k" where tensor.experts == 8: return .q8_0
        case "attn_output" where tensor.experts == 8 && base == .q4_k: return .q5_k
        case "attn_qkv": return base == .q4_k ? .q5_k : .q6_k
        default: return base
        }
    }

    /// The first and last eighth of the layers, and every third one between.
    private static func usesMoreBits(_ layer: Int, of layers: Int) -> Bool {
        layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2
    }

    /// The next type whose blocks divide the row.
    static func fitting(_ type: GGUFType, row: Int) -> GGUFType {
        if row % type.block.elements == 0 { return type }
        let next: GGUFType =
            switch type {
            case .q4_k, .q3_k, .iq4_xs: .q5_0
            case .q5_k: .q5_1
            case .q6_k: .q8_0
            default: .f16
            }
        return fitting(next, row: row)
    }
}

extension GGUFQuantization {
    /// The types of each parameter's parts in a GGUF file of such a model, under our names.
    /// - Throws: `FileError` where no architecture of the format holds the model.
    public func types(of spec: TransformerSpec) throws(FileError) -> [String: [GGUFType]] {
        guard let architecture = Families.expressing(spec).flatMap(GGUFArchitectures.holding) else {
            throw FileError("GGUF files cannot hold this model", field: "model_type", expected: GGUFArchitectures.all.flatMap(\.families).joined(separator: ", "))
        }
        let map = architecture.layout.weights(spec)
        var types: [String: [GGUFType]] = [:]
        for parameter in spec.parameters {
            types[parameter.name] = try map.parts(of: parameter.name, parameter.shape).map { type(of: $0, in: spec, stored: .f32).type }
        }
        return types
    }

    /// The type of one tensor of a model, and the one it would have if its rows were whole blocks.
    func type(of part: WeightPart, in spec: TransformerSpec, stored: GGUFType) -> (type: GGUFType, wanted: GGUFType) {
        type(
            for: GGUFTensorFacts(
                name: part.name, shape: part.shape, stored: stored, layers: spec.layers.count, experts: spec.firstExperts?.routing.experts ?? 0,
                headIsTied: spec.head.projection.isTied))
    }
}
