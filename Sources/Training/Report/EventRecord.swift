/// TensorBoard's `Event` messages, encoded by hand: protocol buffers of five fields.
///
/// Layout (tensorflow/core/util/event.proto, framework/summary.proto): Event { 1 wall_time double, 2 step int64,
/// 3 file_version string, 5 summary }, Summary { 1 value }, Value { 1 tag, 2 simple_value float, 8 tensor, 9 metadata }.
enum EventRecord {
    static func version(wallTime: Double) -> [UInt8] {
        var event = ProtobufWriter()
        event.double(1, wallTime)
        event.text(3, "brain.Event:2")
        return event.bytes
    }

    static func scalar(_ tag: String, _ value: Float, step: Int, wallTime: Double) -> [UInt8] {
        var entry = ProtobufWriter()
        entry.text(1, tag)
        entry.float(2, value)
        return summary(entry, step, wallTime)
    }

    static func text(_ tag: String, _ text: String, step: Int, wallTime: Double) -> [UInt8] {
        var dimension = ProtobufWriter()
        dimension.varint(1, 1)
        var shape = ProtobufWriter()
        shape.message(2, dimension)
        var tensor = ProtobufWriter()
        tensor.varint(1, 7)  // DT_STRING
        tensor.message(2, shape)
        tensor.text(8, text)
        var plugin = ProtobufWriter()
        plugin.text(1, "text")
        var metadata = ProtobufWriter()
        metadata.message(1, plugin)
        var entry = ProtobufWriter()
        entry.text(1, tag)
        entry.message(8, tensor)
        entry.message(9, metadata)
        return summary(entry, step, wallTime)
    }

    private static func summary(_ entry: ProtobufWriter, _ step: Int, _ wallTime: Double) -> [UInt8] {
        var summary = ProtobufWriter()
        summary.message(1, entry)
        var event = ProtobufWriter()
        event.double(1, wallTime)
        event.varint(2, UInt64(bitPattern: Int64(step)))
        event.message(5, summary)
        return event.bytes
    }

    /// The step of an encoded event; nil where the bytes are no event.
    static func step(of bytes: ArraySlice<UInt8>) -> Int? {
        var at = bytes.startIndex
        while at < bytes.endIndex {
            guard let key = varint(bytes, &at) else { return nil }
            switch key {
            case 2 << 3: return varint(bytes, &at).flatMap { Int(exactly: Int64(bitPattern: $0)) }
            case 1 << 3 | 1: at += 8
            case _ where key & 7 == 2:
                guard let count = varint(bytes, &at).flatMap({ Int(exactly: $0) }), count <= bytes.endIndex - at else { return nil }
                at += count
            default: return nil
            }
        }
        return at == bytes.endIndex ? 0 : nil
    }

    private static func varint(_ bytes: ArraySlice<UInt8>, _ at: inout Int) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 63, by: 7) {
            guard at < bytes.endIndex else { return nil }
            value |= UInt64(bytes[at] & 0x7f) << shift
            at += 1
            if bytes[at - 1] < 0x80 { return value }
        }
        return nil
    }
}

/// Appends protocol-buffer fields.
struct ProtobufWriter {
    private(set) var bytes: [UInt8] = []

    mutating func varint(_ field: UInt64, _ value: UInt64) {
        raw(field << 3)
        raw(value)
    }

    mutating func double(_ field: UInt64, _ value: Double) {
        raw(field << 3 | 1)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
    }

    mutating func float(_ field: UInt64, _ value: Float) {
        raw(field << 3 | 5)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
    }

    mutating func text(_ field: UInt64, _ text: String) { lengthPrefixed(field, Array(text.utf8)) }
    mutating func message(_ field: UInt64, _ message: ProtobufWriter) { lengthPrefixed(field, message.bytes) }

    private mutating func lengthPrefixed(_ field: UInt64, _ content: [UInt8]) {
        raw(field << 3 | 2)
        raw(UInt64(content.count))
        bytes += content
    }

    private mutating func raw(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
