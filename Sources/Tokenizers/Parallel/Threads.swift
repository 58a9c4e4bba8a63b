#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Runs `body(0)` ... `body(count - 1)`, each on a thread of its own (the caller takes 0), and waits for all.
public func runOnThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    var others: [pthread_t] = []
    for index in 1..<max(count, 1) {
        let job = Unmanaged.passRetained(ThreadJob(index, body))
        if let thread = startThread(job) {
            others.append(thread)
        } else {  // no more threads to be had: do the work here
            job.takeRetainedValue().run()
        }
    }
    body(0)
    for thread in others { pthread_join(thread, nil) }
}

private final class ThreadJob: Sendable {
    let index: Int
    let body: @Sendable (Int) -> Void
    init(_ index: Int, _ body: @escaping @Sendable (Int) -> Void) {
        self.index = index
        self.body = body
    }
    func run() { body(index) }
}

#if canImport(Darwin)
    private func startThread(_ job: Unmanaged<ThreadJob>) -> pthread_t? {
        var thread: pthread_t?
        let status = pthread_create(&thread, nil, { argument in
            Unmanaged<ThreadJob>.fromOpaque(argument).takeRetainedValue().run()
            return nil
        }, job.toOpaque())
        return status == 0 ? thread : nil
    }
#else
    private func startThread(_ job: Unmanaged<ThreadJob>) -> pthread_t? {
        var thread = pthread_t()
        let status = pthread_create(&thread, nil, { argument in
            if let argument { Unmanaged<ThreadJob>.fromOpaque(argument).takeRetainedValue().run() }
            return nil
        }, job.toOpaque())
        return status == 0 ? thread : nil
    }
#endif
