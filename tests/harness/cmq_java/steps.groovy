/*
 * What a user of CMQ does, through the unmodified Java SDK: all of it once, against any endpoint that speaks CMQ.
 *
 * Shape   ENDPOINT SECRET_ID UNIQUE, the secret key in CMQ_SCRIPT_SECRET_KEY; prints each step's name when it is done. A
 *         step that sees anything but what CMQ did ends the script with an exception. UNIQUE goes into every name
 * Bounds  every call of the SDK is made, for in 1.0.7 all of them go to API 2.0. Its exception shows code and message
 *         as text alone, and nothing of what failed in a batch: there the queue's figures tell what was deleted
 * Time    about 12 s: a visibility timeout and delays are waited for. What is to come at once may take SOON_S
 */

import com.qcloud.cmq.Account
import com.qcloud.cmq.CMQClientException
import com.qcloud.cmq.CMQServerException
import com.qcloud.cmq.Message
import com.qcloud.cmq.Queue
import com.qcloud.cmq.QueueMeta
import com.qcloud.cmq.Topic
import com.qcloud.cmq.entity.CmqConfig

class Steps {
    static final int SOON_S = 20
    static final int VISIBILITY_S = 2
    static final String NOBODY = 'http://127.0.0.1:9/nobody'
    static final String TEXT = '@a+b &"c" =? %41\n\t</x> \u4e2d\u6587 \ud83d\ude80'

    final String endpoint, secretId, secretKey, unique
    final Account account
    final Queue orders, copies
    final Topic news, routes

    Steps(String endpoint, String secretId, String secretKey, String unique) {
        this.endpoint = endpoint
        this.secretId = secretId
        this.secretKey = secretKey
        this.unique = unique
        account = new Account(endpoint, secretId, secretKey)
        orders = account.getQueue(name('orders'))
        copies = account.getQueue(name('copies'))
        news = account.getTopic(name('news'))
        routes = account.getTopic(name('routes'))
    }

    void queuesAreMadeListedAndChanged() {
        def meta = new QueueMeta(visibilityTimeout: VISIBILITY_S, rewindSeconds: 600, maxMsgSize: 65536)
        account.createQueue(name('orders'), meta)
        account.createQueue(name('copies'), new QueueMeta())
        def listed = []
        assert account.listQueue(unique, 0, 1, listed) == 2
        assert listed == [name('copies')]
        assert account.listQueue(unique, 1, 5, listed) == 2
        assert listed == [name('copies'), name('orders')]
        meta.pollingWaitSeconds = 3
        orders.setQueueAttributes(meta)
        def told = orders.getQueueAttributes()
        assert [told.visibilityTimeout, told.pollingWaitSeconds, told.rewindSeconds] == [VISIBILITY_S, 3, 600]
        assert [told.maxMsgSize, told.msgRetentionSeconds] == [65536, 345600]
        assert [told.activeMsgNum, told.inactiveMsgNum, told.delayMsgNum, told.rewindmsgNum] == [0, 0, 0, 0]
        assert told.maxMsgHeapNum > 0
        assert isNow(told.createTime) && isNow(told.lastModifyTime)
        assert copies.getQueueAttributes().maxMsgSize == QueueMeta.DEFAULT_MAX_MSG_SIZE
    }

    void messagesAreSentReceivedAndDeleted() {
        def sent = orders.send(TEXT)
        assert sent.code == 0 && sent.requestId
        def message = orders.receiveMessage(SOON_S)
        assert [message.msgId, message.msgBody, message.dequeueCount] == [sent.msgId, TEXT, 1]
        assert message.nextVisibleTime - message.firstDequeueTime == VISIBILITY_S
        assert isNow(message.enqueueTime)
        assert orders.deleteMessage(message.receiptHandle).requestId
        def id = orders.sendMessage('the older call')
        message = orders.receiveMessage()
        assert [message.msgId, message.msgBody] == [id, 'the older call'] && message.requestId
        orders.deleteMessage(message.receiptHandle)
        refused(7000, 10200) { orders.receiveMessage(0) }
    }

    void batchesAreSentReceivedAndDeleted() {
        def bodies = (1..16).collect { it == 1 ? TEXT : it.toString() }
        def sent = orders.batchSend(bodies)*.msgId
        def received = receive(orders, 16)
        assert received*.msgBody.toSet() == bodies.toSet()
        assert received*.msgId.toSet() == sent.toSet()
        orders.batchDeleteMessage(received*.receiptHandle)
        def ids = orders.batchSendMessage(['1', '2'])
        received = receive(orders, 2)
        assert received*.msgId.toSet() == ids.toSet()
        orders.batchDeleteMessage(received*.receiptHandle)
        refused(7000, 10200) { orders.batchReceiveMessage(16, 0) }
    }

    void aBatchDeleteFailsInPart() {
        orders.send('x')
        def message = orders.receiveMessage(SOON_S)
        refused(6010, 10150) { orders.batchDeleteMessage([message.receiptHandle, 'not-a-handle']) }
        refused(6020, 10290) { orders.batchDeleteMessage(['not-a-handle']) }
        assert orders.getQueueAttributes().with { [activeMsgNum, inactiveMsgNum] } == [0, 0]
    }

    void messagesComeAgainAfterTheirVisibilityTimeout() {
        orders.send('again')
        def first = orders.receiveMessage(SOON_S)
        refused(7000, 10200) { orders.receiveMessage(0) }
        assert orders.getQueueAttributes().inactiveMsgNum == 1
        def second = orders.receiveMessage(SOON_S)
        assert [second.msgId, second.dequeueCount] == [first.msgId, 2]
        assert second.firstDequeueTime == first.firstDequeueTime
        refused(4430, 10260) { orders.deleteMessage(first.receiptHandle) }
        orders.deleteMessage(second.receiptHandle)
    }

    /** Delayed messages find a receive that waits: for the time that it names itself, or else the queue does. */
    void longPollsWait() {
        [{ orders.receiveMessage(SOON_S) }, { orders.receiveMessage() }, { orders.batchReceiveMessage(16)[0] }].each { poll ->
            def begun = System.nanoTime()
            orders.send('late', 2)
            assert orders.getQueueAttributes().delayMsgNum == 1
            Message message = poll()
            assert message.msgBody == 'late'
            assert System.nanoTime() - begun > 1_000_000_000L
            orders.deleteMessage(message.receiptHandle)
        }
        def begun = System.nanoTime()
        refused(7000, 10200) { orders.receiveMessage(1) }
        assert System.nanoTime() - begun > 900_000_000L
    }

    void deletedMessagesAreRewound() {
        def sent = orders.send('rewound')
        def message = orders.receiveMessage(SOON_S)
        orders.deleteMessage(message.receiptHandle)
        assert orders.getQueueAttributes().rewindmsgNum > 0
        orders.rewindQueue(message.enqueueTime as int)
        while ((message = orders.receiveMessage(SOON_S)).msgId != sent.msgId) {
            orders.deleteMessage(message.receiptHandle)
        }
        assert message.msgBody == 'rewound'
        orders.deleteMessage(message.receiptHandle)
        refused(6050, 10670) { copies.rewindQueue(nowS()) }
        refused(4000, 10680) { orders.rewindQueue(nowS() - 5_000) }
    }

    void topicsReachTheirQueueSubscriptions() {
        account.createTopic(name('news'), 65536)
        refused(6030, 10650) { news.publishMessage('nobody') }
        account.createSubscribe(
            name('news'), 'to-queue', name('copies'), 'queue', ['wanted'], null, 'BACKOFF_RETRY', 'SIMPLIFIED')
        account.createSubscribe(name('news'), 'to-http', NOBODY, 'http', ['other'], null, 'BACKOFF_RETRY', 'JSON')
        def topics = []
        assert account.listTopic(unique, topics, 0, 10) == 1
        assert topics == [name('news')]
        assert news.publishMessage(TEXT, ['wanted', 'more'], null)
        assert news.batchPublishMessage(['1', '2'], ['wanted'], null).size() == 2
        refused(6030, 10730) { news.publishMessage('unmatched', ['none'], null) }
        news.publishMessage('elsewhere', ['other'], null)
        assert receiveAndDelete(copies, 3) == ['1', '2', TEXT] as Set
        refused(7000, 10200) { copies.receiveMessage(1) }
        def meta = news.getTopicAttributes()
        assert [meta.filterType, meta.msgRetentionSeconds, meta.maxMsgSize] == [1, 86400, 65536]
        assert isNow(meta.createTime) && isNow(meta.lastModifyTime)
        news.setTopicAttributes(2048)
        assert news.getTopicAttributes().maxMsgSize == 2048
    }

    void routingKeysChooseSubscriptions() {
        account.createTopic(name('routes'), 65536, 2)
        account.createSubscribe(
            name('routes'), 's', name('copies'), 'queue', null, ['1.*.0', 'a.#'], 'BACKOFF_RETRY', 'SIMPLIFIED')
        refused(4000, 10700) { routes.publishMessage('no key') }
        refused(6030, 10730) { routes.publishMessage('none', '1.0') }
        routes.publishMessage('one word', '1.5.0')
        routes.batchPublishMessage(['no word'], 'a')
        assert receiveAndDelete(copies, 2) == ['one word', 'no word'] as Set
        assert account.getSubscription(name('routes'), 's').getSubscriptionAttributes().bindingKey == ['1.*.0', 'a.#']
    }

    void subscriptionsAreListedChangedAndCleared() {
        def listed = []
        assert news.ListSubscription(0, 10, '', listed) == 2
        assert listed == ['to-http', 'to-queue']
        def toQueue = account.getSubscription(name('news'), 'to-queue').getSubscriptionAttributes()
        assert [toQueue.Protocal, toQueue.Endpoint, toQueue.FilterTag] == ['queue', name('copies'), ['wanted']]
        assert toQueue.NotifyContentFormat == 'SIMPLIFIED' && isNow(toQueue.CreateTime) && isNow(toQueue.LastModifyTime)
        def subscription = account.getSubscription(name('news'), 'to-http')
        def meta = subscription.getSubscriptionAttributes()
        assert [meta.Protocal, meta.Endpoint, meta.FilterTag] == ['http', NOBODY, ['other']]
        assert [meta.NotifyStrategy, meta.NotifyContentFormat] == ['BACKOFF_RETRY', 'JSON']
        meta.NotifyStrategy = 'EXPONENTIAL_DECAY_RETRY'
        meta.FilterTag = new Vector(['third'])
        subscription.SetSubscriptionAttributes(meta)
        meta = subscription.getSubscriptionAttributes()
        assert [meta.NotifyStrategy, meta.FilterTag] == ['EXPONENTIAL_DECAY_RETRY', ['third']]
        subscription.ClearFilterTags()
        assert subscription.getSubscriptionAttributes().FilterTag == []
    }

    /** As CMQ's own example does, which names no format: the SDK asks for JSON then, and a queue gets what was published. */
    void theShortFormSubscribesAQueue() {
        account.createSubscribe(name('news'), 'short', name('copies'), 'queue')
        news.publishMessage('to all')
        assert receiveAndDelete(copies, 1) == ['to all'] as Set
        account.deleteSubscribe(name('news'), 'short')
    }

    void bothSignaturesAndBothMethodsAreTaken() {
        for (method in ['POST', 'GET']) {
            for (hash in ['sha1', 'sha256']) {
                def config = new CmqConfig(
                    endpoint: endpoint, secretId: secretId, secretKey: secretKey, method: method, signMethod: hash)
                def queue = new Account(config).getQueue(name('copies'))
                queue.send(TEXT + method + hash)
                assert receiveAndDelete(queue, 1) == [TEXT + method + hash] as Set
            }
        }
    }

    void errorsHaveTheirCodes() {
        def nobody = account.getQueue(name('nobody'))
        refused(4440, 10100) { nobody.send('x') }
        refused(4440, 10100) { nobody.receiveMessage(0) }
        refused(4440, 10100) { nobody.getQueueAttributes() }
        refused(4460, 10210) { account.createQueue(name('orders'), new QueueMeta()) }
        refused(4460, 10550) { account.createTopic(name('news'), 1024) }
        refused(4490, 10470) { account.createSubscribe(name('news'), 'to-http', NOBODY, 'http') }
        refused(4000, 10120) { orders.send('') }
        refused(4000, 10692) { orders.send('x', 3601) }
        refused(4400, 10230) { orders.send('x' * 65537) }
        refused(4000, 10540) { account.deleteTopic(name('news')) }
        refused(4100, 10030) { new Account(endpoint, secretId, 'another key').getQueue(name('orders')).send('x') }
        refused(4100, 10270) { new Account(endpoint, 'AKIDnobody', secretKey).getQueue(name('orders')).send('x') }
        try {
            orders.batchSend(['x'] * 17)
            assert false : 'the SDK itself refuses 17'
        } catch (CMQClientException ignored) {
            refused(7000, 10200) { orders.receiveMessage(0) }
        }
    }

    void everythingIsDeleted() {
        for (one in [['news', 'to-queue'], ['news', 'to-http'], ['routes', 's']]) {
            account.deleteSubscribe(name(one[0]), one[1])
        }
        for (topic in ['news', 'routes']) {
            account.deleteTopic(name(topic))
        }
        for (queue in ['orders', 'copies']) {
            account.deleteQueue(name(queue))
        }
        refused(6040, 10660) { account.createQueue(name('orders'), new QueueMeta()) }
        assert account.listQueue(unique, 0, 10, []) == 0
        assert account.listTopic(unique, [], 0, 10) == 0
    }

    private String name(String stem) {
        return stem + '-' + unique
    }

    /** So many messages, as they come. */
    private List<Message> receive(Queue queue, int count) {
        def received = []
        while (received.size() < count) {
            received += queue.batchReceiveMessage(count - received.size(), SOON_S)
        }
        return received
    }

    private Set<String> receiveAndDelete(Queue queue, int count) {
        def received = receive(queue, count)
        queue.batchDeleteMessage(received*.receiptHandle)
        return received*.msgBody as Set
    }

    private static void refused(int code, int module, Closure<?> call) {
        String said = 'nothing'
        try {
            call()
        } catch (CMQServerException refusal) {
            said = refusal.toString()
        }
        assert said.startsWith("code:${code}, message:(${module})")
    }

    private static int nowS() {
        return System.currentTimeMillis().intdiv(1000) as int
    }

    private static boolean isNow(long timeS) {
        return Math.abs(timeS - nowS()) < 60
    }
}

def steps = new Steps(args[0], args[1], System.getenv('CMQ_SCRIPT_SECRET_KEY'), args[2])
for (step in [
    'queuesAreMadeListedAndChanged', 'messagesAreSentReceivedAndDeleted', 'batchesAreSentReceivedAndDeleted',
    'aBatchDeleteFailsInPart', 'messagesComeAgainAfterTheirVisibilityTimeout', 'longPollsWait',
    'deletedMessagesAreRewound', 'topicsReachTheirQueueSubscriptions', 'routingKeysChooseSubscriptions',
    'subscriptionsAreListedChangedAndCleared', 'theShortFormSubscribesAQueue',
    'bothSignaturesAndBothMethodsAreTaken', 'errorsHaveTheirCodes', 'everythingIsDeleted',
]) {
    steps."$step"()
    println step
}
