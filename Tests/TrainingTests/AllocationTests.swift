import AllocationCounter
import QuintetTensors
import QuintetTraining
import Testing

/// A training step allocates a constant number of times, whatever came before it.
@Suite(.serialized) struct TrainingAllocationTests {
    @Test(.enabled(if: allocations_can_be_counted(), "allocations can be counted with glibc only"))
    func everyStepAllocatesAsOften() throws {
        let threads = Threads.count
        Threads.use(1)
        defer { Threads.use(threads) }
        let learner = try Learner(LearnerTests.shapes[1].spec(), groups: LearnerTests.groups(), seed: 7)
        let (inputs, targets) = LearnerTests.batch(39)
        let counts = (0..<8).map { _ in
            allocations_start()
            _ = learner.accumulate(inputs, targets, batch: 3, tokensPerUpdate: 39)
            learner.update(rateFactor: 1, clip: 1)
            return allocations_stop()
        }
        #expect(Set(counts.dropFirst(3)).count == 1, "\(counts)")
    }
}
