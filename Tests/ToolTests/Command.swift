import Foundation
import QuintetFiles

/// The built command, run as a person runs it.
enum Command {
    static let root = Folder.parent(of: Folder.parent(of: Folder.parent(of: #filePath)))
    static let path = Folder.join(root, ".build/release/quintet")
    static var isBuilt: Bool { Folder.isFile(path) }

    struct Result {
        var status: Int32
        var signal: Bool
        var output: String
        var errors: String
    }

    /// Runs to the end, or kills with `signal` after `seconds`.
    static func run(_ arguments: [String], kill signal: Int32? = nil, after seconds: Double = 0) throws -> Result {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        let (output, errors) = (Pipe(), Pipe())
        (process.standardOutput, process.standardError) = (output, errors)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        if let signal {
            usleep(UInt32(seconds * 1e6))
            kill(process.processIdentifier, signal)
        }
        // Short outputs fit the pipes; long runs are called with --quiet.
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let problems = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return Result(
            status: process.terminationStatus, signal: process.terminationReason == .uncaughtSignal, output: text, errors: problems)
    }
}
