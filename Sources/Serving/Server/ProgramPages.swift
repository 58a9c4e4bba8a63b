import QuintetFiles

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The pages of the program's and its libraries' files that the process has in memory.
enum ProgramPages {
    /// Gives back those that only the start needed. A page that is needed again comes back from the system's cache by itself.
    static func giveBack() {
        #if os(Linux)
            for (start, length) in code { madvise(UnsafeMutableRawPointer(bitPattern: start), length, MADV_DONTNEED) }
        #endif
    }

    #if os(Linux)
        /// Where files are mapped to be run: nobody can have written there, so everything can be read again.
        private static var code: [(start: UInt, length: Int)] {
            guard let file = fopen("/proc/self/maps", "r") else { return [] }
            defer { fclose(file) }
            var (line, room): (UnsafeMutablePointer<CChar>?, Int) = (nil, 0)
            defer { free(line) }
            var found: [(start: UInt, length: Int)] = []
            while getline(&line, &room, file) > 0, let text = line.map({ String(cString: $0) }) {
                // 7f3c40000000-7f3c40021000 r-xp 00000000 08:01 1234 /usr/lib/libm.so.6
                let fields = text.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
                let ends = fields.first?.split(separator: "-").compactMap { UInt($0, radix: 16) } ?? []
                guard fields.count == 6, fields[1] == "r-xp", fields[5].contains("/"), ends.count == 2, ends[0] < ends[1] else { continue }
                found.append((ends[0], Int(ends[1] - ends[0])))
            }
            return found
        }
    #endif
}
