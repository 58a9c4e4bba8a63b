/// How the two parts of a block join the stream `x`. Adaptive norms become cases here.
///
/// `norm1` and `norm2` read (or, in `post`, end) the stream, `outNorm1` and `outNorm2` normalize what a part gives. `+=` adds
/// `branchScale` times the part.
public enum Residual: Sendable, Equatable {
    /// `x += mixer(norm1(x)); x += feedForward(norm2(x))`.
    case pre
    /// `x = norm1(x + mixer(x)); x = norm2(x + feedForward(x))`.
    case post
    /// `x += outNorm1(mixer(norm1(x))); x += outNorm2(feedForward(norm2(x)))`.
    case sandwich
    /// `x += outNorm1(mixer(x)); x += outNorm2(feedForward(x))`.
    case output
    /// `n = norm1(x); x = n + mixer(n); n = norm2(x); x = n + feedForward(n)`: the stream itself passes through the norms.
    case normalized
    /// `n = norm1(x); x += mixer(n) + feedForward(n)`: one norm feeds both.
    case parallel
    /// `x += mixer(norm1(x)) + feedForward(norm2(x))`.
    case parallelTwoNorms

    /// The block's norms in the order in which they are used.
    public var norms: [NormSite] {
        switch self {
        case .pre, .post, .normalized, .parallelTwoNorms: [.norm1, .norm2]
        case .sandwich: [.norm1, .outNorm1, .norm2, .outNorm2]
        case .output: [.outNorm1, .outNorm2]
        case .parallel: [.norm1]
        }
    }
}

/// Where in a block a norm stands; raw values are the parameters' names.
public enum NormSite: String, Sendable {
    case norm1, outNorm1, norm2, outNorm2
}
