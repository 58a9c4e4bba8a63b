import QuintetFiles

/// What the allowed names mean: tensors and storages come out as descriptions.
extension PickleInterpreter {
    /// A call of an allowed name.
    mutating func reduce() throws(FileError) {
        let arguments = try pop(), callee = try pop()
        guard case .global(let global)? = object(callee) else { throw wrong("the pickle calls what is no name", "an allowed name", describe(callee)) }
        guard case .tuple(let values)? = object(arguments) else { throw wrong("the pickle calls without arguments", "a tuple", describe(arguments)) }
        switch global {
        case .orderedDictionary: try makeOrdered(values)
        case .rebuildTensor, .rebuildTensorV2, .rebuildTensorV3: make(try tensor(values, global))
        case .rebuildParameter, .parameter: push(try parameter(values))
        case .size: push(try only(values, "a shape"))
        case .device: push(.none)
        case .encode: push(try only(Array(values.prefix(1)), "text"))
        case .set: make(.set(try elements(try only(values, "a list"))))
        case .storage, .untypedStorage, .type: throw wrong("the pickle makes a storage by itself", "a reference to one", "\(global)")
        }
    }

    /// `OrderedDict()` or `OrderedDict([[key, value], ...])` (Python 2's way).
    private mutating func makeOrdered(_ values: [PickleValue]) throws(FileError) {
        var pairs: [(key: PickleValue, value: PickleValue)] = []
        if let list = values.first {
            for item in try elements(list) {
                let pair = try elements(item)
                guard pair.count == 2 else { throw wrong("an ordered dictionary of no pairs", "pairs", "\(pair.count) values") }
                pairs.append((pair[0], pair[1]))
            }
        }
        make(.dictionary(pairs))
    }

    private func parameter(_ values: [PickleValue]) throws(FileError) -> PickleValue {
        guard let first = values.first, case .tensor? = object(first) else { throw wrong("a parameter without a tensor", "a tensor", "nothing") }
        return first
    }

    /// (storage, offset, shape, strides, ...); the third version names the type of the elements as its seventh.
    private func tensor(_ values: [PickleValue], _ global: PickleGlobal) throws(FileError) -> PickledTensor {
        guard values.count >= 4, case .storage(let place)? = object(values[0]) else {
            throw wrong("a tensor without a storage", "storage, offset, shape, strides", "\(values.count) values")
        }
        let storage = storages[place]
        var type = storage.type
        if global == .rebuildTensorV3 {
            guard values.count >= 7, case .global(.type(let named))? = object(values[6]) else {
                throw wrong("a tensor without a type", "a type of torch", values.count >= 7 ? describe(values[6]) : "nothing")
            }
            type = named
        }
        guard let type else { throw wrong("a tensor without a type", "a typed storage", "bytes") }
        let offset = try whole(values[1], "offset"), shape = try sizes(values[2], "shape"), strides = try sizes(values[3], "strides")
        guard shape.count == strides.count else { throw wrong("strides of another rank", "\(shape.count) strides", "\(strides.count)") }
        return PickledTensor(storage: storage, type: type, offset: offset, shape: shape, strides: strides, position: position)
    }

    private func sizes(_ value: PickleValue, _ what: String) throws(FileError) -> [Int] {
        let values = try elements(value)
        guard values.count <= Self.maximumRank else { throw wrong("\(what) of too many axes", "at most \(Self.maximumRank)", "\(values.count)") }
        var sizes: [Int] = []
        for value in values { sizes.append(try whole(value, what)) }
        return sizes
    }

    private func whole(_ value: PickleValue, _ what: String) throws(FileError) -> Int {
        guard case .int(let number) = value, number >= 0, number < 1 << 48 else {
            throw wrong("an impossible \(what)", "a whole number from 0 to \(1 << 48)", show(value))
        }
        return Int(number)
    }

    private func show(_ value: PickleValue) -> String { if case .int(let number) = value { "\(number)" } else { describe(value) } }

    private func elements(_ value: PickleValue) throws(FileError) -> [PickleValue] {
        switch object(value) {
        case .list(let values)?, .tuple(let values)?, .set(let values)?: return values
        default: throw wrong("a value of the wrong kind", "a list or tuple", describe(value))
        }
    }

    private func only(_ values: [PickleValue], _ what: String) throws(FileError) -> PickleValue {
        guard values.count == 1 else { throw wrong("a call with the wrong arguments", what, "\(values.count) values") }
        return values[0]
    }

    /// A reference to a storage: ("storage", class, key, location, count), and in old files the view (key, offset, count) of it.
    mutating func persistent(_ value: PickleValue) throws(FileError) {
        let parts = try elements(value)
        guard parts.count >= 5, case .text("storage")? = object(parts[0]), case .global(let kind)? = object(parts[1]) else {
            throw wrong("a reference to something that is no storage", "a storage", "\(parts.count) values")
        }
        let type: PyTorchType?
        switch kind {
        case .storage(let named): type = named
        case .untypedStorage: type = nil
        default: throw wrong("a storage of no storage class", "a storage class of torch", "\(kind)")
        }
        let key: String
        switch (object(parts[2]), parts[2]) {
        case (.text(let text)?, _): key = text
        case (_, .int(let number)): key = "\(number)"
        default: throw wrong("a storage without a key", "text", describe(parts[2]))
        }
        var storage = PickledStorage(type: type, key: key, count: try whole(parts[4], "count of a storage"))
        if parts.count > 5, case .tuple(let view)? = object(parts[5]) {
            guard view.count == 3 else { throw wrong("a wrong view of a storage", "key, offset, count", "\(view.count) values") }
            storage = PickledStorage(
                type: type, key: key, count: try whole(view[2], "count of a view"), start: try whole(view[1], "offset of a view"))
        }
        make(storage)
    }
}
