import QuintetFiles
import QuintetTraining
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

@Suite(.serialized) struct FaultTests {
    @Test func aSignalIsRememberedNotObeyed() {
        for (number, code) in [(SIGINT, 130), (SIGTERM, 143)] as [(Int32, Int32)] {
            StopSignal.install()
            defer { StopSignal.uninstall() }
            #expect(StopSignal.pending == nil)
            // Sent to the process: this thread, a worker of the test runner, may have signals blocked.
            kill(getpid(), number)
            for _ in 0..<5000 where StopSignal.pending == nil { usleep(1000) }
            #expect(StopSignal.pending?.exitCode == code)
        }
        #expect(StopSignal.pending == nil)
    }

    /// A device that is always full: what a log meets on a full disk.
    @Test(.enabled(if: Folder.exists("/dev/full"), "this system has no /dev/full"))
    func aLogOnAFullDiskSaysSoAndGoesOn() throws {
        let file = try EventFile(path: "/dev/full", clock: { 0 })
        for step in 0..<100 { file.scalar("train/loss", 1, step: step) }
        #expect(file.problem?.code == ENOSPC)
    }

    @Test func aReadOnlyRunFolderIsAnError() throws {
        try withScratch { scratch in
            let blocked = Folder.join(scratch, "file")
            try AtomicFile.write(blocked, "not a folder")
            #expect(thrown(FileError.self) { _ = try RunFolder(Folder.join(blocked, "run"), resume: false) { _ in } } != nil)
            #expect(thrown(FileError.self) { _ = try RunLog(run: Folder.join(scratch, "missing/run"), keepThrough: 0) } != nil)
            let store = CheckpointStore(run: blocked, keepLast: 1)
            guard case .postponed = try store.save(step: 1, { _ in }) else { return #expect(Bool(false)) }
            #expect(thrown(TrainingError.self) { _ = try store.save(step: 2) { _ in } } != nil)
        }
    }
}
