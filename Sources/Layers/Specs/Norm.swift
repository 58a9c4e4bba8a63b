/// How a vector is brought to unit scale.
public enum Norm: Sendable, Equatable {
    /// `(x - mean) / sqrt(variance + epsilon)`, then weight and bias as the parameters say.
    case layer(epsilon: Float, NormParameters)
    /// `x / sqrt(mean(x^2) + epsilon) * (offset + weight)`; offset is 0 (Llama) or 1 (Gemma).
    case rms(epsilon: Float, offset: Float)

    public var epsilon: Float {
        switch self {
        case .layer(let epsilon, _), .rms(let epsilon, _): epsilon
        }
    }

    public var hasWeight: Bool {
        switch self {
        case .layer(_, let parameters): parameters != .none
        case .rms: true
        }
    }

    public var hasBias: Bool {
        switch self {
        case .layer(_, let parameters): parameters == .weightAndBias
        case .rms: false
        }
    }

    /// What is added to the stored weight before it multiplies.
    public var offset: Float {
        switch self {
        case .layer: 0
        case .rms(_, let offset): offset
        }
    }
}

/// What a layer norm learns.
public enum NormParameters: Sendable, Equatable {
    case none, weight, weightAndBias
}
