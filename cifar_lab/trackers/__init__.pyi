from .to_mlflow import MLflow as MLflow
from .to_tensorboard import TensorBoard as TensorBoard
from .to_trackio import Trackio as Trackio
from .to_wandb import WandB as WandB
from .tracker import Session as Session
from .tracker import Tracker as Tracker
