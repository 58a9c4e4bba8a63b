import QuintetFiles
import QuintetTraining
import Testing

@Suite struct StepGuardTests {
    @Test func skipsThenRollsBackThenStops() {
        var judge = StepGuard(maxSkipped: 3, maxRollbacks: 1)
        #expect(judge.judge(step: 0, loss: 2, gradientNorm: 1) == .apply)
        #expect(judge.judge(step: 1, loss: .nan, gradientNorm: 1) == .skip(inRow: 1))
        #expect(judge.judge(step: 1, loss: 2, gradientNorm: .infinity) == .skip(inRow: 2))
        #expect(judge.judge(step: 1, loss: 2, gradientNorm: 1) == .apply)
        for inRow in 1...2 { #expect(judge.judge(step: 2, loss: .infinity, gradientNorm: 1) == .skip(inRow: inRow)) }
        #expect(judge.judge(step: 2, loss: .infinity, gradientNorm: 1) == .rollBack(number: 1))
        for inRow in 1...2 { #expect(judge.judge(step: 2, loss: .nan, gradientNorm: .nan) == .skip(inRow: inRow)) }
        guard case .stop(let text) = judge.judge(step: 2, loss: -.nan, gradientNorm: .nan) else { return #expect(Bool(false)) }
        #expect(text.contains("step 2") && text.contains("loss is nan") && !text.contains("-nan") && text.contains("learning_rate"))
        #expect(judge.state.skipped == 8)
    }

    @Test func aSpikeIsNotedOnceTheLossIsKnown() {
        var judge = StepGuard()
        for step in 0..<20 { #expect(judge.judge(step: step, loss: step == 10 ? 100 : 10, gradientNorm: 1) == .apply) }
        judge = StepGuard()
        for step in 0..<200 { #expect(judge.judge(step: step, loss: 3 + Double(step % 5) * 0.01, gradientNorm: 1) == .apply) }
        guard case .applyWithSpike(let deviations) = judge.judge(step: 200, loss: 9, gradientNorm: 1) else { return #expect(Bool(false)) }
        #expect(deviations > 6)
        #expect(judge.judge(step: 201, loss: 3, gradientNorm: 1) == .apply)
    }

    @Test func stateSurvivesJSON() throws {
        var judge = StepGuard()
        for step in 0..<70 { _ = judge.judge(step: step, loss: step % 9 == 0 ? .nan : 1 / Double(step + 1), gradientNorm: 1) }
        let text = judge.state.json.serialized()
        #expect(try StepGuard.State(JSON.parse(text), source: "test") == judge.state)
        #expect(thrown(TrainingError.self) { _ = try StepGuard.State(["skipped": 1], source: "test") } != nil)
    }
}
