/// Runs `body(0)` ... `body(count - 1)`, each on a thread of its own (the caller takes 0), and waits for all.
public func runOnThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let running = Monitor(0)
    for index in 1..<max(count, 1) {
        running.change { $0 += 1 }
        do {
            try SystemThread.start {
                body(index)
                running.change { $0 -= 1 }
            }
        } catch {  // no more threads to be had: the work is done here
            running.change { $0 -= 1 }
            body(index)
        }
    }
    body(0)
    running.wait { $0 == 0 ? () : nil }
}
