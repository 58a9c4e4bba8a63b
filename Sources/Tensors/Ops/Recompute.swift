/// Runs `body` without keeping anything but its input; the backward pass runs it again on a tape of its own.
///
/// `body` must give the same bits each time. Source: Chen et al. 2016.
public func recomputed(_ x: Tensor, _ tape: Tape, _ body: @escaping (Tensor, Tape?) -> Tensor) -> Tensor {
    let y = body(x.detached, nil)
    return tape.record(y.detached) { [unowned tape] dy, gradients in
        let inner = Tape(parameters: tape.parameters)
        let input = inner.input(x)
        let again = inner.backward(from: body(input, inner), gradient: dy)
        if let dx = again[input] { gradients.add(dx, to: x) }
    }
}
