import QuintetTensors
import Testing

/// Pullbacks of experts, grouped products, gates, convolution and scan against central differences.
@Suite struct ExpertPullbackTests {
    /// Far apart, so that no difference changes who is chosen.
    private let scores = Tensor([2, -1, 1, 0, -2, 1.2, 0.3, 2.2, 0.1, 3, -1, 1.7], [3, 4])

    @Test(arguments: [Routing.Scoring.softmaxOverAll, .softmaxOverChosen, .sigmoid], [Routing.Normalization.none, .sum(plus: 0.1)])
    func weightsOfRoutes(scoring: Routing.Scoring, normalization: Routing.Normalization) {
        let routing = Routing(experts: 4, chosen: 2, scoring: scoring, normalization: normalization, factor: 1.7)
        checkGradients([scores]) { x, tape in route(x[0], routing, tape).weights }
    }

    @Test func mixtureFromEndToEnd() {
        let routing = Routing(experts: 4, chosen: 2, scoring: .softmaxOverAll, normalization: .sum(plus: 0))
        let inputs = [
            scores, random([3, 5], seed: 1), random([4 * 6, 5], seed: 2, deviation: 0.5), random([4, 6], seed: 3),
            random([4 * 5, 3], seed: 4, deviation: 0.5), random([4, 5], seed: 5), random([3, 5], seed: 6),
        ]
        checkGradients(inputs) { x, tape in
            let routes = route(x[0], routing, tape)
            let rows = embed(routes.sources, x[1], tape)
            let up = expertProduct(rows, GroupedWeight(x[2], GroupLayout(groups: 4, height: 6)), bias: x[3], routes, tape)
            let hidden = gated(up, .silu, tape)
            let down = expertProduct(hidden, GroupedWeight(x[4], GroupLayout(groups: 4, height: 5)), bias: x[5], routes, tape)
            return combine(down, routes, residual: x[6], tape)
        }
    }

    @Test func clampedGate() {
        checkGradients([random([3, 14], seed: 1)], step: 0.02, tolerance: 1e-3) { x, tape in gated(x[0], .clamped(alpha: 1.7, limit: 50), tape) }
        // Where a clamp holds nothing moves.
        let tape = Tape()
        let x = tape.input(Tensor([9, 0.5, 0.3, 8, -9, 0.2], [1, 6]))
        let y = gated(x, .clamped(alpha: 1, limit: 7), tape)
        let gradients = tape.backward(from: y, gradient: Tensor([1, 1, 1], [1, 3]))
        let dx = gradients[x]?.floats ?? [Float](repeating: 99, count: 6)
        #expect(dx[0] == 0 && dx[3] == 0 && dx[4] == 0 && dx[1] != 0 && dx[2] != 0 && dx[5] != 0)
        checkGradients([random([3, 4], seed: 1), random([3, 4], seed: 2)]) { x, tape in gated(gate: x[0], up: x[1], .function(.silu), tape) }
    }

    @Test func productsOfHeads() {
        // Two heads: q shares [3 | 2 kept] become [4 | 2 kept], then [4 | 2] becomes [5].
        let matrix = random([2 * (3 + 5), 4], seed: 2, deviation: 0.5)
        checkGradients([random([3, 10], seed: 1), matrix]) { x, tape in
            let keys = GroupedWeight(x[1], GroupLayout(groups: 2, height: 3, step: 8, orientation: .turned))
            let values = GroupedWeight(x[1], GroupLayout(groups: 2, height: 5, first: 3, step: 8))
            let latent = groupProduct(
                x[0], keys, from: GroupColumns(step: 5, width: 10), to: GroupColumns(step: 6, width: 12), kept: KeptColumns(from: 3, to: 4, width: 2),
                tape)
            return groupProduct(latent, values, from: GroupColumns(step: 6, width: 12), to: GroupColumns(step: 5, width: 10), tape)
        }
    }

    @Test func sharedKeysAndValues() {
        let shape = AttentionShape(heads: 3, kvHeads: 1, headWidth: 4, scale: 0.5)
        checkGradients([random([6, 12], seed: 1), random([6, 4], seed: 2)], step: 0.03, tolerance: 1e-3) { x, tape in
            attend(q: x[0], keysAndValues: x[1], batch: 2, shape, tape)
        }
    }

    @Test func convolutionAndScan() {
        checkGradients([random([6, 3], seed: 1), random([4, 3], seed: 2), random([3], seed: 3)]) { x, tape in
            convolve(x[0], weight: x[1], bias: x[2], .none(time: 3), tape)
        }
        let inputs = [
            random([6, 3], seed: 1), random([6, 3], seed: 2), random([2, 3], seed: 3, deviation: 0.5), random([6, 4], seed: 4), random([3], seed: 5),
        ]
        checkGradients(inputs, step: 0.03, tolerance: 5e-4) { x, tape in
            scan(x[0], delta: x[1], decay: x[2], inputsAndOutputs: x[3], skip: x[4], .none(time: 3), tape)
        }
    }
}
