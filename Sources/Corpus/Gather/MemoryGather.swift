internal import QuintetFiles

/// Documents of bytes that lie in memory, as `Gather` would find them in a file; for tests and fuzzing.
package enum MemoryGather {
    /// The texts, and how many records were refused. An unknown format lets the content tell.
    package static func read(_ bytes: [UInt8], format: String, name: String = "memory") -> (texts: [[UInt8]], refused: Int) {
        var found: (texts: [[UInt8]], refused: Int) = ([], 0)
        let raw = ByteStream(MemorySource(bytes), name: name)
        let expansion = Expansion(of: raw)
        do throws(FileError) {
            let stream = try Compression.decoded(raw, expansion)
            read(Input(name: name, stream: stream, kind: SourceFormat.named(format).map { FileKind($0) }, isNamed: true, expansion: expansion), &found)
        } catch { found.refused += 1 }
        return found
    }

    private static func read(_ input: Input, _ found: inout (texts: [[UInt8]], refused: Int)) {
        var input = input
        do throws(FileError) {
            if input.kind == nil { input.kind = FileKind(head: try input.stream.peek(512)) ?? FileKind(.text) }
            let reader = try (input.kind ?? FileKind(.text)).format.open(input, ReadLimits(document: 1 << 20))
            while true {
                do throws(FileError) {
                    guard let item = try reader.next() else { return }
                    take(item, &found)
                } catch {
                    found.refused += 1
                    if try !reader.recover() { return }
                }
            }
        } catch { found.refused += 1 }
    }

    private static func take(_ item: ReadItem, _ found: inout (texts: [[UInt8]], refused: Int)) {
        switch item {
        case .document(let raw):
            if let clean = try? CleanDraft(raw) { found.texts.append(clean.draft.text) } else { found.refused += 1 }
        case .refused: found.refused += 1
        case .member(let input): if input.depth < 5 { read(input, &found) }
        case .passedOver: break
        }
    }
}
