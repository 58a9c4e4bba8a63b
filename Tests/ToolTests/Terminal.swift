#if os(Linux)
    import Glibc
    import Testing

    /// A program at a terminal: what is typed goes through a line discipline, Ctrl-C is a signal to the process in front.
    final class Terminal {
        private let master: Int32
        private var process: pid_t = 0
        private var text = ""

        init(_ arguments: [String], program: String = "quintet") throws {
            var ends: (master: Int32, slave: Int32) = (-1, -1), name = [CChar](repeating: 0, count: 128)
            try #require(openpty(&ends.master, &ends.slave, &name, nil, nil) == 0)
            master = ends.master
            defer { close(ends.slave) }
            var actions = posix_spawn_file_actions_t(), attributes = posix_spawnattr_t(), none = sigset_t()
            posix_spawn_file_actions_init(&actions)
            // The first terminal that the leader of a session opens becomes its own.
            posix_spawn_file_actions_addopen(&actions, 0, name, O_RDWR, 0)
            for descriptor in [1, 2] as [Int32] { posix_spawn_file_actions_adddup2(&actions, 0, descriptor) }
            for descriptor in [ends.master, ends.slave] { posix_spawn_file_actions_addclose(&actions, descriptor) }
            posix_spawnattr_init(&attributes)
            sigemptyset(&none)
            posix_spawnattr_setsigmask(&attributes, &none)
            posix_spawnattr_setflags(&attributes, 0x80 | 0x08)  // POSIX_SPAWN_SETSID, POSIX_SPAWN_SETSIGMASK
            let path = Program.path(program)
            var words = ([path] + arguments).map { strdup($0) } + [nil]
            defer { for word in words { free(word) } }
            let status = posix_spawn(&process, path, &actions, &attributes, &words, environ)
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
            try #require(status == 0)
        }

        deinit {
            if process > 0 { kill(process, SIGKILL) }
            close(master)
        }

        func type(_ text: String) {
            let bytes = Array(text.utf8)
            _ = write(master, bytes, bytes.count)
        }

        /// Ctrl-C and Ctrl-D.
        static let interrupt = "\u{3}", end = "\u{4}"

        /// What the program writes up to and with `wanted`; a minute of silence is a failure.
        @discardableResult
        func wait(for wanted: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
            while true {
                if let range = text.firstRange(of: wanted) {
                    defer { text = String(text[range.upperBound...]) }
                    return String(text[..<range.upperBound])
                }
                let more = read()
                try #require(!more.isEmpty, "waiting for \(wanted), seen: \(text.suffix(500))", sourceLocation: sourceLocation)
                text += more
            }
        }

        /// Waits for so many characters.
        func wait(forCharacters count: Int) throws {
            while text.count < count {
                let more = read()
                try #require(!more.isEmpty, "waiting for \(count) characters, seen: \(text.suffix(500))")
                text += more
            }
        }

        private func read() -> String {
            var wait = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
            guard poll(&wait, 1, 60_000) > 0 else { return "" }
            var buffer = [UInt8](repeating: 0, count: 1 << 14)
            let count = Glibc.read(master, &buffer, buffer.count)
            return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : ""
        }

        /// The exit code once the program has ended, or 128 + the signal.
        func status() -> Int32 {
            while !read().isEmpty {}
            var status: Int32 = 0
            waitpid(process, &status, 0)
            process = 0
            return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
        }
    }
#endif
