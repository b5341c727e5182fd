"""The provider without key and network: classical image processing in processes of its own.

`provider` runs in the service and never imports OpenCV; `tasks` is what runs in the child processes.
"""
