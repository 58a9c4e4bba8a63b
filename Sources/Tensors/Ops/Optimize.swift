import CQuintetKernels

/// The scalars of one AdamW update. Source: Loshchilov & Hutter 2019.
public struct AdamWStep: Sendable {
    public var learningRate: Float
    public var beta1: Float, beta2: Float, epsilon: Float
    /// Decoupled: the parameter shrinks by learningRate * weightDecay.
    public var weightDecay: Float
    /// 1 - beta^t.
    public var correction1: Float, correction2: Float
    /// Multiplies the gradient (clipping).
    public var gradientFactor: Float

    public init(
        learningRate: Float, beta1: Float, beta2: Float, epsilon: Float, weightDecay: Float, correction1: Float,
        correction2: Float, gradientFactor: Float
    ) {
        self.learningRate = learningRate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
        self.correction1 = correction1
        self.correction2 = correction2
        self.gradientFactor = gradientFactor
    }
}

/// Updates a parameter and its moments in place; `copy` (bf16) receives the new value too. All contiguous, of one shape.
public func adamW(
    _ parameter: Tensor, gradient: Tensor, firstMoment: Tensor, secondMoment: Tensor, copy: Tensor?, _ step: AdamWStep
) {
    var call = KernelCall(QK_OP_ADAMW)
    call.p.0 = parameter.data
    call.p.1 = gradient.data
    call.p.2 = firstMoment.data
    call.p.3 = secondMoment.data
    call.p.4 = copy?.data
    call.n.0 = Int64(parameter.count)
    call.s.0 = step.learningRate
    call.s.1 = step.beta1
    call.s.2 = step.beta2
    call.s.3 = step.epsilon
    call.s.4 = step.weightDecay
    call.s.5 = step.correction1
    call.s.6 = step.correction2
    call.s.7 = step.gradientFactor
    call.run()
}

/// The sum of squares in f64, in a fixed order; not finite if any element is not.
public func squaredNorm(_ x: Tensor) -> Double {
    let workspace = Tensor(uninitialized: [2 * (x.count / 16384 + 2)])
    let out = Tensor(uninitialized: [2])
    var call = KernelCall(QK_OP_SQUARED_NORM)
    call.p.0 = out.data
    call.p.1 = x.data
    call.p.2 = workspace.data
    call.n.0 = Int64(x.count)
    call.run()
    return out.data.load(as: Double.self)
}
