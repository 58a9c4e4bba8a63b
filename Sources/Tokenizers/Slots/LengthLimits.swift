import QuintetFiles

/// The `truncation` and `padding` of a tokenizer.json.
struct LengthLimits: Sendable {
    var truncation: Truncation?
    var padding: Padding?

    init(_ definition: TokenizerDefinition) throws(FileError) {
        let source = definition.source
        if definition.truncation.object != nil {
            truncation = try Truncation(definition.truncation, SlotPlace(source: source, field: "truncation"))
        }
        if definition.padding.object != nil { padding = try Padding(definition.padding, SlotPlace(source: source, field: "padding")) }
    }

    enum Side: String, Sendable {
        case left = "Left"
        case right = "Right"

        init(_ json: JSON?, _ place: SlotPlace) throws(FileError) {
            guard let side = Side(rawValue: json?.string ?? "Right") else {
                throw place.error("not a direction", "direction", expected: "Left or Right", json)
            }
            self = side
        }
    }

    /// Longer texts lose their end, or their beginning.
    struct Truncation: Sendable {
        let length: Int
        let side: Side

        init(_ json: JSON, _ place: SlotPlace) throws(FileError) {
            guard let length = json["max_length"]?.int, length >= 0 else {
                throw place.error("not a length", "max_length", expected: "0 or more", json["max_length"])
            }
            self.length = length
            side = try Side(json["direction"], place)
        }

        /// Cuts the ids from `start` on, leaving `room` for special tokens.
        func cut(_ ids: inout [Int32], from start: Int, room: Int) {
            let excess = ids.count - start - Swift.max(0, length - room)
            if excess <= 0 { return }
            if side == .right { ids.removeLast(excess) } else { ids.removeSubrange(start..<start + excess) }
        }
    }

    /// Shorter texts are filled up: to a fixed length, to a multiple.
    struct Padding: Sendable {
        let length: Int
        let multiple: Int
        let side: Side
        let id: Int32

        init(_ json: JSON, _ place: SlotPlace) throws(FileError) {
            let fixed = json["strategy"]?["Fixed"]?.int ?? 0
            let multiple = json["pad_to_multiple_of"]?.int ?? 1
            guard (0...1 << 24).contains(fixed), (0...1 << 24).contains(multiple) else {
                throw place.error("not a length", "strategy", expected: "0 to \(1 << 24)", json["strategy"])
            }
            guard let id = json["pad_id"]?.int, let small = Int32(exactly: id), small >= 0 else {
                throw place.error("not a token id", "pad_id", expected: "0 to \(Int32.max)", json["pad_id"])
            }
            length = fixed
            self.multiple = Swift.max(1, multiple)
            self.id = small
            side = try Side(json["direction"], place)
        }

        func pad(_ ids: inout [Int32], from start: Int) {
            let count = ids.count - start
            let wanted = ((length > 0 ? length : count) + multiple - 1) / multiple * multiple
            if wanted <= count { return }
            let padding = repeatElement(id, count: wanted - count)
            if side == .right { ids.append(contentsOf: padding) } else { ids.insert(contentsOf: padding, at: start) }
        }
    }
}
