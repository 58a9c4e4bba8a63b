import QuintetFiles
import Testing

struct ThreadTests {
    @Test func oneAtATime() {
        let list = Guarded([Int]())
        runOnThreads(8) { index in for number in 0..<2000 { list.withLock { $0.append(index * 2000 + number) } } }
        #expect(list.withLock { $0.sorted() } == Array(0..<16000))
        #expect(throws: CancellationError.self) { try list.withLock { _ in throw CancellationError() } }
        #expect(list.withLock { $0.count } == 16000, "the lock is free after an error")
    }

    @Test(arguments: [0, 1, 2, 7]) func everyIndexRunsOnceAndAllAreWaitedFor(count: Int) {
        let seen = Monitor([Int]())
        runOnThreads(count) { index in seen.change { $0.append(index) } }
        #expect(seen.change { $0.sorted() } == Array(0..<max(count, 1)))
    }

    @Test func aWaiterTakesWhatItWaitsFor() throws {
        let tokens = Monitor(0)
        try SystemThread.start { for _ in 0..<1000 { tokens.change { $0 += 1 } } }
        for _ in 0..<1000 {
            tokens.wait { left -> Void? in
                if left == 0 { return nil }
                left -= 1
                return ()
            }
        }
        #expect(tokens.change { $0 } == 0)
    }

    @Test func aWaitEndsInTimeWithNothing() {
        let value = Monitor(1)
        #expect(value.wait(milliseconds: 20) { $0 == 2 ? true : nil } == nil)
        #expect(value.wait(milliseconds: 20) { $0 == 1 ? true : nil } == true)
    }

    @Test func whatAnotherThreadGivesIsWaitedFor() async throws {
        for number in 0..<50 {
            let given: [Int] = try await handedOver { give in
                do { try SystemThread.start { give(.success(Array(0..<number))) } } catch { give(.failure(error)) }
            }
            #expect(given == Array(0..<number))
        }
        #expect(try await handedOver { $0(.success(7)) } == 7, "given at once")
        await #expect(throws: CancellationError.self) { try await handedOver { give in give(Result<Int, any Error>.failure(CancellationError())) } }
    }

    @Test func theResultOfAThreadComesBack() async throws {
        let sum = try await SystemThread.run(.yielding) { (1...100).reduce(0, +) }
        #expect(sum == 5050)
        await #expect(throws: FileError.self) { try await SystemThread.run { throw FileError("y", path: "x") } }
    }
}
