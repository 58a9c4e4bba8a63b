#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Adds to the sinks' gradient: a sink takes the share exp(sink - lse) of each row's weight and gives nothing for it, so it loses that share of
/// what the row's other weights gain together, sum(dout * out).
///
/// `out` and `dy` [rows, heads * headWidth], `lse` run after run [batch, heads, time]; `sinks` [heads]. Rows in order, in f64.
func addSinkGradient(_ sinks: Tensor?, out: Tensor, dy: Tensor, lse: Tensor, _ runs: [SequenceRun], _ gradients: Gradients) {
    guard let sinks, gradients.wants(sinks) else { return }
    let heads = sinks.count
    let products = multiply(out, dy).reshaped([out.shape.rows * heads, out.shape.columns / max(heads, 1)])
    let gains = reduce(products, .sum).floats, sums = lse.floats, scores = sinks.floats
    var total = [Double](repeating: 0, count: heads)
    for run in runs {
        for sequence in 0..<run.batch {
            for head in 0..<heads {
                for place in 0..<run.time {
                    let all = sums[run.start * heads + (sequence * heads + head) * run.time + place]
                    let row = run.start + sequence * run.time + place
                    if all.isFinite { total[head] -= Double(expf(scores[head] - all)) * Double(gains[row * heads + head]) }
                }
            }
        }
    }
    gradients.add(Tensor(total.map { Float($0) }, [heads]), to: sinks)
}
