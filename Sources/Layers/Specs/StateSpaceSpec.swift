public import QuintetTensors

/// A selective state space in place of attention: every column keeps a few numbers that each position decays, feeds and reads.
///
/// Weights: `stateSpace.in` [2 * inner, width] (what is scanned, then the gate); `stateSpace.convolution.weight` [taps, inner];
/// `stateSpace.select` [stepRank + 2 * states, inner] (step, B, C); `stateSpace.step` [inner, stepRank] with its bias;
/// `stateSpace.decay` [states, inner] (logarithms); `stateSpace.skip` [inner]; `stateSpace.out` [width, inner].
/// Source: Gu & Dao 2023 (Mamba).
public struct StateSpaceSpec: Sendable, Equatable {
    /// Columns that are scanned.
    public var inner: Int
    /// Numbers that a column keeps.
    public var states: Int
    /// Positions that the convolution before the scan sees.
    public var taps: Int
    /// Rank of the map that makes the step sizes.
    public var stepRank: Int
    public var activation: Activation
    /// On `in` and `out`.
    public var biases: Biases
    public var convolutionBias: ConvolutionBias

    /// Whether the convolution adds a number to each column.
    public enum ConvolutionBias: Sendable, Equatable {
        case none
        /// `stateSpace.convolution.bias` [inner].
        case learned
    }

    public init(
        inner: Int, states: Int, taps: Int, stepRank: Int, activation: Activation = .silu, biases: Biases = .none,
        convolutionBias: ConvolutionBias = .learned
    ) {
        self.inner = inner
        self.states = states
        self.taps = taps
        self.stepRank = stepRank
        self.activation = activation
        self.biases = biases
        self.convolutionBias = convolutionBias
    }
}
