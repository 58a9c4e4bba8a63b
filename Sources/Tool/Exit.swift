import ArgumentParser
import QuintetFiles
import QuintetGeneration
import QuintetTraining

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The command's exit codes: 0 done, 1 failed, 2 usage, 130 and 143 for signals.
enum ExitStatus {
    /// Ends the process the way `error` asks for; `path` names the command that it came from.
    static func leave(_ error: any Error, from path: [String]) -> Never {
        switch error {
        case let signal as StopSignal:
            exit(signal.exitCode)
        case let error as OptionError:
            fail("--\(error)", 2)
        case let error as ConstraintError:
            fail("\(error)", 2)
        case let error as TrainingError:
            fail("\(error)", error.exitCode)
        case let error as ValidationError where !path.isEmpty:
            fail("\(error.message)\n  See 'quintet \(path.joined(separator: " ")) --help' for more information.", 2)
        case _ where QuintetCommand.exitCode(for: error) == .validationFailure:
            write(QuintetCommand.fullMessage(for: error) + "\n")
            exit(2)
        default:
            QuintetCommand.exit(withError: error)
        }
    }

    private static func fail(_ text: String, _ code: Int32) -> Never {
        write("Error: \(text)\n")
        exit(code)
    }

    private static func write(_ text: String) {
        let bytes = Array(text.utf8)
        #if canImport(Glibc)
            _ = Glibc.write(2, bytes, bytes.count)
        #elseif canImport(Musl)
            _ = Musl.write(2, bytes, bytes.count)
        #elseif canImport(Darwin)
            _ = Darwin.write(2, bytes, bytes.count)
        #endif
    }
}
