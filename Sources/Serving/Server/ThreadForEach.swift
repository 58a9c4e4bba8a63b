import QuintetFiles

/// Runs each piece of a task on a thread of its own: for the few requests whose work would hold one of the pool's threads.
final class ThreadForEach: TaskExecutor {
    static let shared = ThreadForEach()

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        // Where the system has no thread left, the pool's has to do.
        do { try SystemThread.start(.yielding) { job.runSynchronously(on: self.asUnownedTaskExecutor()) } } catch {
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }
}
