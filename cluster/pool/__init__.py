"""Workers and the dispatcher that feeds them: in this process (`serial`) or as Ray actors (`ray_pool`).

Nothing here imports Ray; `cluster.pool.ray_pool` does.
"""

from cluster.pool.contract import DispatchResult, Handle, Host, PoolSettings, Progress, Stop, WorkerLost
from cluster.pool.dispatch import Dispatcher
