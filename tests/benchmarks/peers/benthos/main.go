// Benthos with a Kafka input: records of each partition in batches, one batch at a time.
//
// The next batch of a partition is handed out when the one before is acknowledged, so that a processor that groups a
// batch by key keeps each key in order. Offsets are committed behind the acknowledgements.
package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/twmb/franz-go/pkg/kgo"

	_ "github.com/redpanda-data/benthos/v4/public/components/io"
	_ "github.com/redpanda-data/benthos/v4/public/components/pure"
)

// Idle connections per host: Go's own default is 2.
const idleConnections = 512

// Batches of a partition that wait here.
const waitingBatches = 16

func main() {
	transport := http.DefaultTransport.(*http.Transport)
	transport.MaxIdleConns = idleConnections
	transport.MaxIdleConnsPerHost = idleConnections

	spec := service.NewConfigSpec().Fields(
		service.NewStringField("servers"), service.NewStringField("topic"), service.NewStringField("group"))
	service.MustRegisterBatchInput("kafka_partitions", spec,
		func(conf *service.ParsedConfig, _ *service.Resources) (service.BatchInput, error) {
			in, err := newInput(conf)
			if err != nil {
				return nil, err
			}
			return service.AutoRetryNacksBatched(in), nil
		})
	service.RunCLI(context.Background())
}

type delivery struct {
	batch service.MessageBatch
	done  chan struct{}
}

type input struct {
	options []kgo.Opt
	client  *kgo.Client
	ready   chan delivery
}

func newInput(conf *service.ParsedConfig) (*input, error) {
	servers, err := conf.FieldString("servers")
	if err != nil {
		return nil, err
	}
	topic, err := conf.FieldString("topic")
	if err != nil {
		return nil, err
	}
	group, err := conf.FieldString("group")
	if err != nil {
		return nil, err
	}
	return &input{
		options: []kgo.Opt{
			kgo.SeedBrokers(strings.Split(servers, ",")...), kgo.ConsumeTopics(topic), kgo.ConsumerGroup(group), kgo.AutoCommitMarks(),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		},
		ready: make(chan delivery),
	}, nil
}

func (in *input) Connect(context.Context) error {
	client, err := kgo.NewClient(in.options...)
	if err != nil {
		return err
	}
	in.client = client
	go in.poll()
	return nil
}

func (in *input) poll() {
	lanes := map[int32]chan []*kgo.Record{}
	for {
		fetches := in.client.PollFetches(context.Background())
		if fetches.IsClientClosed() {
			return
		}
		fetches.EachPartition(func(fetched kgo.FetchTopicPartition) {
			lane, there := lanes[fetched.Partition]
			if !there {
				lane = make(chan []*kgo.Record, waitingBatches)
				lanes[fetched.Partition] = lane
				go in.hand(lane)
			}
			if len(fetched.Records) > 0 {
				lane <- fetched.Records
			}
		})
	}
}

func (in *input) hand(lane <-chan []*kgo.Record) {
	for records := range lane {
		one := delivery{done: make(chan struct{})}
		for _, record := range records {
			message := service.NewMessage(record.Value)
			message.MetaSetMut("kafka_key", string(record.Key))
			one.batch = append(one.batch, message)
		}
		in.ready <- one
		<-one.done
		in.client.MarkCommitRecords(records[len(records)-1])
	}
}

func (in *input) ReadBatch(ctx context.Context) (service.MessageBatch, service.AckFunc, error) {
	select {
	case one := <-in.ready:
		return one.batch, func(_ context.Context, err error) error {
			if err == nil {
				close(one.done)
			}
			return nil
		}, nil
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}

func (in *input) Close(context.Context) error {
	if in.client != nil {
		in.client.Close()
	}
	return nil
}
