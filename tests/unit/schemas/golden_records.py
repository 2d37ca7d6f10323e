"""Records as they were written when their schema was new: samples.full_event of the family. None ever changes."""

import base64

GOLDEN_RECORDS = {
    "ComputeEnv.v1.avsc": base64.b64decode(
        "wwHElDpZ1WSnYQYxLjAoMjAxOC0wNi0xNVQxNDo0MzoxN1oYYXAtZ3Vhbmd6aG91GGVudi1wdG94ZGIxdBJiYXRjaC1lbnYCKDIw"
        "MTgtMDYtMTVUMTQ6NDA6MDBaAg5NQU5BR0VEAgZDVk0CBAIAAgYcU3VibWl0dGVkQ291bnQAGFJ1bm5pbmdDb3VudAQWRmFpbGVk"
        "Q291bnQCAAIcYXAtZ3Vhbmd6aG91LTICansiVGFncyI6W3siS2V5IjoiayIsIlZhbHVlIjoidiJ9XSwiRXh0cmEiOiJub3Qgb3Vy"
        "cyJ9JkNPTVBVVEVfRU5WX0NSRUFURUQEBndobwRtZQTDqQzml6XmnKwAAmB7IlRyYWNlSWQiOiJ0LTEiLCJOZXN0ZWQiOnsiZGVl"
        "cCI6WzEsbnVsbCwyLjVdfX0="
    ),
    "ComputeNode.v1.avsc": base64.b64decode(
        "wwHJ5a+AMhX/2QYxLjAoMjAxOC0wNi0xNVQxNDo0MzoxN1oYYXAtZ3Vhbmd6aG91Gm5vZGUtMGl5N3d4eW8CGGVudi1wdG94ZGIx"
        "dA5DUkVBVEVEAhACKDIwMTgtMDYtMTVUMTQ6NDM6MThaAhJiYXRjaC1lbnYCGGlucy05cmlrajlrdwIIAmp7IlRhZ3MiOlt7Iktl"
        "eSI6ImsiLCJWYWx1ZSI6InYifV0sIkV4dHJhIjoibm90IG91cnMifShDT01QVVRFX05PREVfQ1JFQVRFRAQGd2hvBG1lBMOpDOaX"
        "peacrAACYHsiVHJhY2VJZCI6InQtMSIsIk5lc3RlZCI6eyJkZWVwIjpbMSxudWxsLDIuNV19fQ=="
    ),
    "Job.v1.avsc": base64.b64decode(
        "wwFqLmbriUCXnAYxLjAoMjAxOC0wNi0xNVQxNDo0MzoxN1oYYXAtZ3Vhbmd6aG91GGpvYi05N3pjbDN3dBB0ZXN0IGpvYgxGQUlM"
        "RUQCAgIoMjAxOC0wMi0wN1QwOToyOTowOVoCKDIwMTgtMDItMDdUMDk6MzA6MjNaAgACHGFwLWd1YW5nemhvdS0yAgYcU3VibWl0"
        "dGVkQ291bnQAGFJ1bm5pbmdDb3VudAQWRmFpbGVkQ291bnQCAAJqeyJUYWdzIjpbeyJLZXkiOiJrIiwiVmFsdWUiOiJ2In1dLCJF"
        "eHRyYSI6Im5vdCBvdXJzIn0WSk9CX1JVTk5JTkcEBndobwRtZQTDqQzml6XmnKwAAmB7IlRyYWNlSWQiOiJ0LTEiLCJOZXN0ZWQi"
        "OnsiZGVlcCI6WzEsbnVsbCwyLjVdfX0="
    ),
    "Task.v1.avsc": base64.b64decode(
        "wwGQYoxROvDvQgYxLjAoMjAxOC0wNi0xNVQxNDo0MzoxN1oYYXAtZ3Vhbmd6aG91GGpvYi05N3pjbDN3dBB0ZXN0IGpvYgJBDEZB"
        "SUxFRAIoMjAxOC0wMi0wN1QwOToyOTowOVoCKDIwMTgtMDItMDdUMDk6MzA6MjNaAgYCBhxTdWJtaXR0ZWRDb3VudAAYUnVubmlu"
        "Z0NvdW50BBZGYWlsZWRDb3VudAIAAmp7IlRhZ3MiOlt7IktleSI6ImsiLCJWYWx1ZSI6InYifV0sIkV4dHJhIjoibm90IG91cnMi"
        "fRhUQVNLX1JVTk5JTkcEBndobwRtZQTDqQzml6XmnKwAAmB7IlRyYWNlSWQiOiJ0LTEiLCJOZXN0ZWQiOnsiZGVlcCI6WzEsbnVs"
        "bCwyLjVdfX0="
    ),
    "TaskInstance.v1.avsc": base64.b64decode(
        "wwGaqa3aq02YVQYxLjAoMjAxOC0wNi0xNVQxNDo0MzoxN1oYYXAtZ3Vhbmd6aG91GGpvYi05N3pjbDN3dBB0ZXN0IGpvYgJBAg5T"
        "VUNDRUVEAgACAAIUc3VjY2Vzc2Z1bAIYaW5zLTlzMDQ5MDRwAigyMDE4LTAyLTA3VDA5OjI5OjA5WgIoMjAxOC0wMi0wN1QwOToy"
        "OTowOVoCKDIwMTgtMDItMDdUMDk6Mjk6NTVaAigyMDE4LTAyLTA3VDA5OjMwOjIzWgJqeyJUYWdzIjpbeyJLZXkiOiJrIiwiVmFs"
        "dWUiOiJ2In1dLCJFeHRyYSI6Im5vdCBvdXJzIn0qVEFTS19JTlNUQU5DRV9SVU5OSU5HBAZ3aG8EbWUEw6kM5pel5pysAAJgeyJU"
        "cmFjZUlkIjoidC0xIiwiTmVzdGVkIjp7ImRlZXAiOlsxLG51bGwsMi41XX19"
    ),
}
