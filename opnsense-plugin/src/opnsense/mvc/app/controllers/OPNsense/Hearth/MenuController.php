<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth;

use OPNsense\Base\IndexController;

class MenuController extends IndexController
{
    public function indexAction()
    {
        Modules::give($this->view);
        $this->view->pick('OPNsense/Hearth/menu');
        $this->view->menuForm = $this->getForm('menu');
    }
}
