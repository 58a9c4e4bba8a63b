import HummingbirdCore
import Logging
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

/// A channel whose connections are handled on their event loop's own thread.
///
/// Each connection prefers it, not the whole server: swift-async-algorithms' `merge`, by which Hummingbird's clock ticks, holds a lock while its task goes
/// to the executor that it prefers, and takes the same lock where that task is cancelled. Both at once wait for each other for ever.
struct OnLoop<Base: ServerChildChannel>: ServerChildChannel {
    let base: Base

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> { base.setup(channel: channel, logger: logger) }

    func handle(value: Base.Value, logger: Logger) async {
        await withTaskExecutorPreference(LoopExecutor(value.channel.eventLoop)) { await base.handle(value: value, logger: logger) }
    }
}
