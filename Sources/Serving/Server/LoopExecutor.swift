import NIOCore

/// Runs tasks on an event loop: a request is then read, handled and written on the one thread that its bytes come in on, and waits for
/// no other thread to be given a processor. What takes long goes elsewhere (`ThreadForEach`, `SystemThread`).
final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop
    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
