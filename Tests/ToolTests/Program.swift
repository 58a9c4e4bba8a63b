import Foundation

/// The built `quintet`, run as a user runs it: a process with arguments, output, an exit code.
struct Program {
    struct Result {
        let status: Int32
        let output: String
        let errors: String
    }

    /// What the build put beside the tests.
    static func path(_ name: String = "quintet") -> String {
        var folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        while folder.path != "/" {
            let candidate = folder.appendingPathComponent(name).path
            if FileManager.default.isExecutableFile(atPath: candidate), !isFolder(candidate) { return candidate }
            folder.deleteLastPathComponent()
        }
        return name
    }

    /// Starts the program and does not wait.
    static func start(_ arguments: [String], program: String = "quintet", output: Any? = nil, errors: Any? = nil) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path(program))
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output ?? FileHandle.nullDevice
        process.standardError = errors ?? FileHandle.nullDevice
        try process.run()
        return process
    }

    /// Runs the program to its end; files take the output, so that no pipe can fill up.
    static func run(_ arguments: String..., program: String = "quintet") throws -> Result {
        try run(arguments, program: program)
    }

    static func run(_ arguments: [String], program: String = "quintet") throws -> Result {
        let folder = try scratch("output")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (out, err) = (folder + "/out", folder + "/err")
        for file in [out, err] { _ = FileManager.default.createFile(atPath: file, contents: nil) }
        let handles = [try FileHandle(forWritingTo: URL(fileURLWithPath: out)), try FileHandle(forWritingTo: URL(fileURLWithPath: err))]
        let process = try start(arguments, program: program, output: handles[0], errors: handles[1])
        process.waitUntilExit()
        return Result(status: status(process), output: try text(out), errors: try text(err))
    }

    /// The exit code, or 128 + the signal that ended it, as a shell says it.
    static func status(_ process: Process) -> Int32 {
        process.terminationReason == .uncaughtSignal ? 128 + process.terminationStatus : process.terminationStatus
    }

    static func scratch(_ name: String) throws -> String {
        let path = NSTemporaryDirectory() + "/quintet-\(name)-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    static func text(_ path: String) throws -> String { String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self) }

    private static func isFolder(_ path: String) -> Bool {
        var folder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &folder) && folder.boolValue
    }
}
