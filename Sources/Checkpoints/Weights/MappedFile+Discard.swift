public import QuintetFiles
public import QuintetTensors

extension MappedFile: DiscardablePages {
    public func discard(_ bytes: UnsafeRawBufferPointer) {
        guard let base = self.bytes.baseAddress, let start = bytes.baseAddress else { return }
        let offset = start - base
        guard offset >= 0, offset <= count else { return }
        advise(.doNotNeed, offset..<min(offset + bytes.count, count))
    }
}
