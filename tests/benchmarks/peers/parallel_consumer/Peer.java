import io.confluent.parallelconsumer.ParallelConsumerOptions;
import io.confluent.parallelconsumer.ParallelConsumerOptions.CommitMode;
import io.confluent.parallelconsumer.ParallelConsumerOptions.ProcessingOrder;
import io.confluent.parallelconsumer.vertx.VertxParallelStreamProcessor;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.client.WebClient;
import io.vertx.ext.web.client.WebClientOptions;
import io.vertx.ext.web.client.predicate.ResponsePredicate;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Posts a topic to the sink, in order per key: java Peer SERVERS TOPIC GROUP PORT. */
public final class Peer {
    private static final int CONCURRENCY = 256;

    public static void main(String[] args) {
        Map<String, Object> config = Map.of(
                "bootstrap.servers", args[0],
                "group.id", args[2],
                "auto.offset.reset", "earliest",
                "enable.auto.commit", false,
                "max.poll.records", 2000);
        var consumer = new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        var options = ParallelConsumerOptions.<byte[], byte[]>builder()
                .consumer(consumer)
                .ordering(ProcessingOrder.KEY)
                .maxConcurrency(CONCURRENCY)
                .commitMode(CommitMode.PERIODIC_CONSUMER_ASYNCHRONOUS)
                .defaultMessageRetryDelay(Duration.ofMillis(100))
                .build();
        VertxParallelStreamProcessor<byte[], byte[]> processor =
                VertxParallelStreamProcessor.createEosStreamProcessor(options);
        var client = WebClient.create(Vertx.vertx(), new WebClientOptions()
                .setDefaultHost("127.0.0.1")
                .setDefaultPort(Integer.parseInt(args[3]))
                .setMaxPoolSize(CONCURRENCY));
        processor.subscribe(List.of(args[1]));
        processor.vertxFuture(context -> post(client, context.value()));
    }

    private static Future<?> post(WebClient client, byte[] body) {
        return client.post("/")
                .putHeader("content-type", "text/plain")
                .timeout(15_000)
                .expect(ResponsePredicate.SC_OK)
                .sendBuffer(Buffer.buffer(body));
    }
}
