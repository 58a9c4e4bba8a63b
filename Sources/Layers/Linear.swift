public import QuintetTensors

/// y = x W^T + b, with its epilogue: the one linear map of every model.
public struct Linear: Sendable {
    public let weight: Weight
    public let bias: Tensor?

    public init(_ scope: ParameterScope, outputs: Int, inputs: Int, bias: Bool) throws {
        weight = try scope.weight("weight", outputs: outputs, inputs: inputs)
        self.bias = bias ? try scope.tensor("bias", [outputs]) : nil
    }

    public init(weight: Weight, bias: Tensor?) {
        self.weight = weight
        self.bias = bias
    }

    /// x [rows, inputs] gives f(x W^T + b) + residual, [rows, outputs].
    public func callAsFunction(_ x: Tensor, _ pass: Pass, _ activation: Activation = .identity, residual: Tensor? = nil) -> Tensor {
        matmul(x, weight, Epilogue(bias: bias, activation: activation, residual: residual), adapting: pass.adapting, pass.tape)
    }

    /// x [rows, inputs] gives x W^T + b, outside a pass.
    func callAsFunction(_ x: Tensor, _ adapting: Adapting, _ tape: Tape?) -> Tensor {
        matmul(x, weight, Epilogue(bias: bias), adapting: adapting, tape)
    }
}
