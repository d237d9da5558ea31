// The broker's half of a session: what its client asks for, and the program that runs for it.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Programs
internal import Remote
internal import Sockets
internal import System

/// One session of a network process. Nothing it says is taken on trust: a post that may not come now is a
/// breach, after which the process gets no more answers. Confined to the broker's loop.
final class BrokerSession {
    private let handle: Handle
    private let desk: any SessionDesk
    private let channel: PostChannel
    private let work: TurnWork
    private let patience: NetworkPatience
    private let shortage: DescriptorShortage
    private var stage = BrokerStage.opened

    init(
        _ handle: Handle, _ desk: any SessionDesk, _ channel: PostChannel, _ work: TurnWork,
        _ patience: NetworkPatience, _ shortage: DescriptorShortage
    ) {
        self.work = work
        self.patience = patience
        self.shortage = shortage
        self.handle = handle
        self.desk = desk
        self.channel = channel
    }

    func begin(_ post: BeganPost) throws(PacketError) {
        guard case .opened = stage else { throw .outOfTurn("a session began twice") }
        guard desk.turnedAway == nil else { throw .outOfTurn("a session began without a place") }
        stage = .resting
        desk.began(post)
    }

    func fail(_ post: HandshakeFailedPost) throws(PacketError) {
        guard case .opened = stage else { throw .outOfTurn("the handshake of a session failed") }
        stage = .over
        desk.failed(post)
    }

    func end(_ post: EndedPost) throws(PacketError) {
        try stage.checkRests()
        stage = .over
        desk.ended(post)
    }

    // MARK: Records of what needs no answer

    func note(_ post: RepliedPost) throws(PacketError) {
        try stage.checkRests()
        desk.replied(post.name, times: Int(post.times))
    }

    func note(_ post: UnreadPost) throws(PacketError) {
        try stage.checkServed()
        if let name = post.name {
            desk.refused(name, [], nil, post.refusal)
        } else {
            desk.refused(post.refusal)
        }
    }

    func note(_ post: OmittedPost) throws(PacketError) {
        try stage.checkServed()
        desk.omitted(Int(post.records), commands: Int(post.commands))
    }

    func note(_ post: MessagePost) throws(PacketError) {
        try stage.checkRests()
        desk.answered(post.message, isKnown: post.isKnown)
    }

    // MARK: Commands

    func run(_ post: RunPost) throws(PacketError) {
        try stage.checkRests()
        guard let identity = desk.identity else {
            throw .outOfTurn("a client without an identity asked for a command")
        }
        let request = post.request
        var matching = desk.matchingWork
        let decision = desk.decide(
            request, for: identity, wasCancelled: post.wasCancelled, &matching)
        if matching.spent > 0 { desk.matched(matching.spent) }
        work.spend(matching.spent, for: channel)
        switch decision {
        case .text(let text, let closes):
            // `help` has checked for each command whether it is permitted.
            work.spend(
                TurnWork.byte * text.utf8.count
                    + (request.name == "help" ? TurnWork.entry * desk.table.entries.count : 0),
                for: channel)
            desk.replied(Array(request.name.utf8), times: 1)
            channel.send(AnsweredPost(handle: handle, text: text, closes: closes).packet)
        case .refusal(let refusal, let entry): refuse(request, entry, refusal)
        case .program(let approved):
            work.spend(TurnWork.start, for: channel)
            switch desk.admit(approved.entry, approved.program, request.arguments) {
            case .failure(let refusal): refuse(request, approved.entry, refusal)
            case .success(let permit): offer(approved, permit, isShort: post.isShort)
            }
        }
    }

    private func refuse(_ request: Request, _ entry: CommandEntry?, _ refusal: Refusal) {
        desk.refused(request.name, request.arguments, entry, refusal)
        let packet = RefusedPost(handle: handle, refusal: refusal).packet
        let delay = desk.refusalDelay()
        guard delay > .zero else { return channel.send(packet) }
        // Its client can ask for nothing meanwhile, so that refusals can't keep a core busy.
        stage = .refusing(
            Timer(after: delay, on: channel.loop) { [unowned self] in
                stage = .resting
                channel.send(packet)
            })
    }

    private func offer(_ approved: Approved, _ permit: consuming Permit, isShort: Bool) {
        let (name, entry) = (approved.entry.name, approved.program)
        let start = ProgramStart(
            path: entry.path, arguments: approved.invocation.arguments,
            environment: permit.environment.merging(approved.invocation.environment) { $1 },
            directory: entry.directory, umask: entry.umask, takesInput: entry.takesInput,
            grace: entry.grace ?? desk.grace, isBackground: entry.isBackground,
            rights: ProgramRights(user: entry.user.numbers, mayGain: entry.isPrivileged),
            groups: desk.groups, limits: entry.limits)
        guard !isShort, !shortage.isLikely else {
            permit.end(.refused(.noDescriptor(name)), Usage())
            return channel.send(RefusedPost(handle: handle, refusal: .noDescriptor(name)).packet)
        }
        let pipes: ProgramPipes
        do throws(StreamError) {
            pipes = try ProgramPipes(
                takesInput: entry.takesInput, user: entry.user.numbers)
        } catch {
            permit.end(.refused(Refusal(.unavailable, error.sentence)), Usage())
            return channel.send(RefusedPost(handle: handle, refusal: .cannotStart(name)).packet)
        }
        let post = StartedPost(
            handle: handle, name: name, outputLimit: entry.outputLimit,
            takesInput: entry.takesInput)
        let delivery = PipeDelivery(post, pipes.ends, channel, patience) { [weak self] in
            self?.answered($0)
        }
        let offer = Offer(name, start, timeout: entry.timeout, pipes, delivery, permit)
        stage = .recording(offer)
        // Meanwhile its client may leave.
        offer.whenRecorded { [weak self, weak offer] refusal in
            if let self, let offer { settle(offer, refusal) }
        }
    }

    /// Its start is recorded, or can't be.
    private func settle(_ offer: Offer, _ refusal: Refusal?) {
        guard case .recording(let current) = stage, current === offer else { return }
        if let refusal { cancel(offer, refusal) } else { launch(offer) }
    }

    /// It isn't started after all.
    private func cancel(_ offer: Offer, _ refusal: Refusal) {
        stage = .unstarted(offer.delivery)
        offer.takePermit().end(.refused(refusal), Usage())
        offer.delivery.conclude(.refused(refusal))
    }

    private func launch(_ offer: Offer) {
        // While the record was waiting to be written, its client may have been revoked or the table
        // replaced.
        if let refusal = desk.objection(toStarting: offer.name) { return cancel(offer, refusal) }
        let delivery = offer.delivery
        stage = .unstarted(delivery)
        // The location of its files is none of the client's business.
        let cannotStart = Outcome.refused(.cannotStart(offer.name))
        do throws(StreamError) {
            let program = try SupervisedProgram(
                offer.start, offer.takePipes(), timeout: offer.timeout,
                patience: patience.told, offer.takePermit(), loop: channel.loop
            ) { [weak self, takesInput = offer.start.takesInput] in
                switch $0 {
                case .running:
                    // Otherwise there is no input to ask for.
                    if takesInput { delivery.runs() }
                case .probe: self?.probe()
                case .done(let outcome):
                    let told = if case .refused = outcome { cannotStart } else { outcome }
                    delivery.conclude(told)
                }
            }
            stage = .running(program, delivery)
            if let reason = offer.stop { program.end(.stopped(reason)) }
        } catch {
            delivery.conclude(cannotStart)
        }
    }

    func come(_ post: EndsPost) throws(PacketError) {
        if !post.haveCome { shortage.note() }
        switch stage {
        case .recording(let offer):
            try offer.delivery.come(post.haveCome)
            if !post.haveCome { cancel(offer, .noDescriptor(offer.name)) }
        case .running(let program, let delivery):
            // Before the delivery may report its end.
            if !post.haveCome { program.end(.stopped(.ordered)) }
            try delivery.come(post.haveCome)
        case .unstarted(let delivery): try delivery.come(post.haveCome)
        default: throw .outOfTurn("no program is being started")
        }
    }

    /// The client has everything, or will have.
    private func answered(_ traffic: Traffic) {
        if case .running(let program, _) = stage { program.seeOff(traffic) }
        stage = .resting
    }

    func stop(_ post: StopPost) throws(PacketError) {
        switch stage {
        // It may not be known yet that it could not be started.
        case .unstarted(let delivery) where delivery.hasArrived: break
        case .recording(let offer) where offer.delivery.hasArrived:
            offer.stop = post.reason
            offer.timer = Timer(after: patience.record, on: channel.loop) {
                [unowned self, unowned offer] in
                if case .recording = stage { cancel(offer, .cancelled(offer.name)) }
            }
        case .running(let program, let delivery) where delivery.hasArrived:
            program.end(.stopped(post.reason))
        default: throw .outOfTurn("a stop came for a program that it cannot know of")
        }
    }

    private func probe() {
        guard case .running(let program, let delivery) = stage else { return }
        // Its client can't hold it up before.
        guard delivery.hasArrived else { return program.answer(isHeldUp: false) }
        channel.send(ProbePost(handle: handle).packet)
    }

    func answer(_ post: HeldUpPost) throws(PacketError) {
        // The program may have finished since the question was asked.
        guard case .running(let program, _) = stage else { return }
        program.answer(isHeldUp: post.isHeldUp)
    }

    func told(_ post: ToldPost) throws(PacketError) {
        switch stage {
        case .unstarted(let delivery) where delivery.isOver: break
        case .running(let program, let delivery) where delivery.isOver:
            program.seeOff(post.traffic)
        default: throw .outOfTurn("the end of a command was reported where none has ended")
        }
        stage = .resting
    }
}
