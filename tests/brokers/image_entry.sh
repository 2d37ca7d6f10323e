#!/bin/sh
# Entry of the image that is built here. KAFKA_* variables become server.properties and the storage is formatted by
# the same program that does it in the apache/kafka image, so one set of variables serves both.
set -eu

classpath='/opt/kafka/libs/*'
logging=-Dlog4j2.configurationFile=/etc/kafka/docker/log4j2.properties

java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC "$logging" -cp "$classpath" kafka.docker.KafkaDockerWrapper setup \
    --default-configs-dir=/etc/kafka/docker \
    --mounted-configs-dir=/mnt/shared/config \
    --final-configs-dir=/opt/kafka/config

# Several options in each of the two, so no quotes.
# shellcheck disable=SC2086
exec java ${KAFKA_HEAP_OPTS:--Xmx512m} ${KAFKA_JVM_PERFORMANCE_OPTS:-} "$logging" -cp "$classpath" \
    kafka.Kafka /opt/kafka/config/server.properties
