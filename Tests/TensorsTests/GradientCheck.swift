import QuintetTensors
import Testing

/// Holds the gradients of `function` against 4-point central differences.
///
/// The loss is a weighted sum of the outputs with fixed random weights, summed in f64. With a step of 0.05 the difference quotient is good to
/// about 1e-5 in f32 for smooth functions of unit scale.
func checkGradients(
    _ inputs: [Tensor], step: Float = 0.05, tolerance: Double = 2e-4, _ function: ([Tensor], Tape?) -> Tensor,
    location: SourceLocation = #_sourceLocation
) {
    let tape = Tape()
    let tracked = inputs.map(tape.input)
    let output = function(tracked, tape)
    let weights = random(output.shape, seed: 99)
    let gradients = tape.backward(from: output, gradient: weights)
    for (index, input) in inputs.enumerated() {
        let analytic = gradients[tracked[index]]?.floats ?? [Float](repeating: 0, count: input.count)
        let numeric = (0..<input.count).map { element in
            difference(inputs, index, element, step, weights.floats, function)
        }
        let scale = max(numeric.map(abs).max() ?? 0, 1)
        for (element, pair) in Swift.zip(analytic, numeric).enumerated() {
            #expect(
                abs(Double(pair.0) - pair.1) <= tolerance * scale, "input \(index), element \(element)", sourceLocation: location)
        }
    }
}

private func difference(
    _ inputs: [Tensor], _ index: Int, _ element: Int, _ step: Float, _ weights: [Float], _ function: ([Tensor], Tape?) -> Tensor
) -> Double {
    func loss(_ offset: Float) -> Double {
        var values = inputs[index].floats
        values[element] += offset
        var moved = inputs
        moved[index] = Tensor(values, inputs[index].shape)
        return Swift.zip(function(moved, nil).floats, weights).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    return (8 * (loss(step) - loss(-step)) - (loss(2 * step) - loss(-2 * step))) / Double(12 * step)
}

/// Normal numbers that depend on the seed alone.
func random(_ shape: Shape, seed: UInt64 = 1, deviation: Float = 1) -> Tensor {
    let tensor = Tensor(uninitialized: shape)
    tensor.fillNormal(deviation: deviation, seed: seed)
    return tensor
}
